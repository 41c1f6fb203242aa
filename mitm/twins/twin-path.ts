import { createPublicKey, verify } from "node:crypto";
import { get } from "node:http";
import { decodeObjectIdentifier } from "../../pki/der/object-identifier.ts";
import { first, inside, type TwinCertificate } from "./certificate-reader.ts";
import type { Holds } from "./server-names.ts";

/** Leaf first; the last is an anchor, or what is taken for one. */
export type TwinPath = readonly [TwinCertificate, ...TwinCertificate[]];

/** How many certificates a path has at most, the anchor included. */
const pathLength = 8;
/** What even a twin without that bound stops at. */
const absurdLength = 1_000;

/** RFC 5280 §6.1.3 (a) (1), (4): follows issuers by name and signature to an anchor. Undefined: there is no way. */
export function findPath(
  leaf: TwinCertificate,
  sent: readonly TwinCertificate[],
  anchors: readonly TwinCertificate[],
  holds: Holds,
): TwinPath | { readonly refused: "unknown issuer" | "bad signature" | "too long" } {
  const path: [TwinCertificate, ...TwinCertificate[]] = [leaf];
  const longest = holds("unbounded-chain") ? pathLength : absurdLength;
  for (let current = leaf; path.length < longest; ) {
    const named = [...anchors, ...sent].filter(
      (one) => one !== current && isSame(one.subject, current.issuer),
    );
    const child = current;
    const issuer = named.find((one) => !holds("chain-not-verified") || isSignedBy(child, one));
    if (issuer !== undefined && !path.includes(issuer)) {
      path.push(issuer);
      if (anchors.includes(issuer) || (!holds("explicit-curve-accepted") && isByItsPoint(issuer, anchors))) {
        return path;
      }
      current = issuer;
      continue;
    }
    // A self-signed certificate may be the leaf, or stand at the end of what was sent.
    const isSelfSigned = isSame(current.subject, current.issuer) && isSignedBy(current, current);
    if (isSelfSigned && !holds("trusts-any-root")) return path;
    if (named.length === 0 && !isSelfSigned && !holds("unknown-issuer-accepted")) return path;
    if (!holds("fetches-issuer-by-url")) fetchIssuer(current);
    return { refused: named.length === 0 ? "unknown issuer" : "bad signature" };
  }
  return { refused: "too long" };
}

const digests: ReadonlyMap<string, string | null> = new Map([
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
  ["1.2.840.113549.1.1.11", "sha256"],
  ["1.2.840.113549.1.1.12", "sha384"],
  ["1.2.840.113549.1.1.13", "sha512"],
  ["1.3.101.112", null],
]);
const weakDigests: ReadonlyMap<string, string> = new Map([
  ["1.2.840.10045.4.1", "sha1"],
  ["1.2.840.113549.1.1.5", "sha1"],
  ["1.2.840.113549.1.1.4", "md5"],
]);

/** MD5, SHA-1 and what is not known are weak (RFC 9155; RFC 9325 §4.1). */
export function isStrongSignature(certificate: TwinCertificate): boolean {
  return digests.has(certificate.signatureAlgorithm);
}

function isSignedBy(certificate: TwinCertificate, issuer: TwinCertificate): boolean {
  const { signatureAlgorithm: oid, tbs, signature } = certificate;
  return isSignature(tbs, oid, signature, issuer);
}

/** As `isSignedBy`, of anything else. @param algorithm content octets of the OID */
export function isSignatureOver(
  bytes: Uint8Array,
  algorithm: Uint8Array | undefined,
  signature: Uint8Array,
  issuer: TwinCertificate,
): boolean {
  return algorithm !== undefined && isSignature(bytes, decodeObjectIdentifier(algorithm), signature, issuer);
}

function isSignature(
  bytes: Uint8Array,
  oid: string,
  signature: Uint8Array,
  issuer: TwinCertificate,
): boolean {
  const digest = digests.get(oid) ?? weakDigests.get(oid);
  if (digest === undefined && !digests.has(oid)) return false;
  try {
    return verify(digest, bytes, publicKeyOf(issuer), signature);
  } catch {
    return false;
  }
}

/** Whether the key describes its curve instead of naming it (RFC 5480 §2.1.1 forbids that). */
export function hasExplicitCurve({ publicKeyInfo }: TwinCertificate): boolean {
  const [algorithm] = inside(first(publicKeyInfo));
  return inside(algorithm)[1]?.tag === 0x30;
}

/** CVE-2020-0601: the key of an anchor is recognised by its point, whatever curve it is said to lie on. */
function isByItsPoint(certificate: TwinCertificate, anchors: readonly TwinCertificate[]): boolean {
  return anchors.some(
    (anchor) =>
      isSame(anchor.subject, certificate.subject) &&
      isSame(pointOf(anchor.publicKeyInfo), pointOf(certificate.publicKeyInfo)),
  );
}

function pointOf(publicKeyInfo: Uint8Array): Uint8Array {
  return inside(first(publicKeyInfo))[1]?.content ?? new Uint8Array();
}

function publicKeyOf({ publicKeyInfo }: TwinCertificate) {
  return createPublicKey({ key: Buffer.from(publicKeyInfo), format: "der", type: "spki" });
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

const authorityInfoAccess = "1.3.6.1.5.5.7.1.1";

/** RFC 5280 §4.2.2.1: asks for the issuer's certificate where its subject says it is. What comes is not used. */
function fetchIssuer(certificate: TwinCertificate): void {
  const value = certificate.extensions.get(authorityInfoAccess)?.value;
  const url = Buffer.from(value ?? [])
    .toString("latin1")
    .match(/http:\/\/127\.0\.0\.1[!-~]+/)?.[0];
  if (url === undefined) return;
  const request = get(url, (response) => response.destroy());
  request.on("error", () => undefined);
  request.setTimeout(1_000, () => request.destroy());
}
