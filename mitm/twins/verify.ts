import { DerReader } from "../../pki/der/reader.ts";
import { ExtendedKeyUsage, Extension, parseCertificate, spkiPin } from "../../pki/index.ts";
import { checkPublicKey } from "../../pki/path/algorithms.ts";
import { type KnownExtensions, readKnownExtensions } from "../../pki/x509/extensions.ts";
import { readNames, readTwinCertificate, type TwinCertificate } from "./certificate-reader.ts";
import { areNamesPermitted } from "./name-rules.ts";
import { isSatisfactory } from "./ocsp-check.ts";
import { revocationAlert } from "./revocation-check.ts";
import { type Holds, isForServer } from "./server-names.ts";
import { findPath, hasExplicitCurve, isSame, isStrongSignature, type TwinPath } from "./twin-path.ts";

export interface TwinVerifierOptions {
  readonly purpose: "serverAuth" | "clientAuth";
  /** DER. */
  readonly anchors: readonly Uint8Array[];
  /** A server must have one of these names. Undefined: names are not looked at, as for a client. */
  readonly serverNames?: readonly string[] | undefined;
  /** DER; undefined: revocation is not looked at. Else each CA of the path must have a list in force. */
  readonly revocationLists?: readonly Uint8Array[] | undefined;
  /** "sha256/..." of the keys that the peer may have. Undefined: any. */
  readonly pins?: readonly string[] | undefined;
  readonly now?: () => Date;
  /** Checks to leave out, by the name of the weakness. */
  readonly tolerates: ReadonlySet<string>;
}

/** Judges a chain, DER, leaf first, and what is stapled to it. A string refuses: the RFC name of the alert. */
export type Verifier = (chain: readonly Uint8Array[], ocspResponse?: Uint8Array) => string | undefined;

/** A refusal, with the alert that tells it. */
class Refusal extends Error {
  readonly alert: string;
  constructor(alert: string, why: string) {
    super(why);
    this.alert = alert;
  }
}

/**
 * The certificate check of a twin: every rule of RFC 5280 §6 that the lab attacks, each of which can be left out by the
 * name of its weakness. It is written apart from `pki/`, whose path validation has no such switches and shall have none.
 */
export function twinVerifier(options: TwinVerifierOptions): Verifier {
  const anchors = options.anchors.map(readTwinCertificate);
  const holds: Holds = (weakness) => !options.tolerates.has(weakness);
  return (chain, ocspResponse) => {
    try {
      check(chain, ocspResponse, anchors, options, holds);
      return undefined;
    } catch (error) {
      if (error instanceof Refusal) return error.alert;
      // What cannot be read at all throws on its own.
      return holds("unreadable-chain-accepted") ? "bad_certificate" : undefined;
    }
  };
}

function check(
  chain: readonly Uint8Array[],
  ocspResponse: Uint8Array | undefined,
  anchors: readonly TwinCertificate[],
  options: TwinVerifierOptions,
  holds: Holds,
): void {
  if (chain.length > 16 && holds("unbounded-chain")) throw new Refusal("bad_certificate", "too many");
  for (const der of chain) assertWellFormed(der, holds);
  const sent = chain.map(readTwinCertificate);
  const leaf = leafOf(sent, options.serverNames, holds);
  const isPinned = options.pins?.includes(spkiPin(leaf.publicKeyInfo)) === true;
  const found = findPath(leaf, sent, anchors, holds);
  if ("refused" in found) {
    if (isPinned && !holds("pin-replaces-chain")) return;
    throw new Refusal(alertOf(found.refused, holds), found.refused);
  }
  const now = options.now?.() ?? new Date();
  checkTimes(found, now, isPinned, holds);
  for (const certificate of found) checkCertificate(certificate, anchors, holds);
  checkLeaf(leaf, options, isPinned, holds);
  checkIssuers(found, anchors, options.purpose, holds);
  if (!areNamesPermitted(found, holds)) throw new Refusal("bad_certificate", "name constraints");
  if (options.revocationLists !== undefined) {
    const alert = revocationAlert(found, options.revocationLists, now, holds);
    if (alert !== undefined) throw new Refusal(alert, "revocation");
  }
  const issuer = found[1];
  if (ocspResponse !== undefined && issuer !== undefined) {
    if (!isSatisfactory(ocspResponse, leaf, issuer, now, holds)) {
      throw new Refusal("bad_certificate_status_response", "a staple that does not clear the certificate");
    }
  }
  checkPins(found, sent, options.pins, holds);
}

/** The rules of the encoding, which `pki/` holds all of. */
const encodingWeaknesses = [
  "lenient-der",
  "duplicate-extension-accepted",
  "nul-truncates-name",
  "explicit-curve-accepted",
] as const;

function assertWellFormed(der: Uint8Array, holds: Holds): void {
  if (encodingWeaknesses.every(holds)) {
    parseCertificate(der);
    return;
  }
  if (holds("lenient-der")) {
    const reader = DerReader.over(der);
    reader.any("Certificate");
    reader.end("Certificate");
  }
  const { extensions, repeatsExtension } = readTwinCertificate(der);
  if (repeatsExtension && holds("duplicate-extension-accepted")) {
    throw new Refusal("bad_certificate", "an extension twice");
  }
  const names = readNames(extensions.get(Extension.subjectAltName)?.value ?? Uint8Array.of(0x30, 0));
  if (
    holds("nul-truncates-name") &&
    names.some(({ kind, text }) => kind === "dNSName" && text.includes("\0"))
  ) {
    throw new Refusal("bad_certificate", "a NUL in a name");
  }
}

/** RFC 9846 §4.4.2: "The sender's certificate MUST come in the first CertificateEntry in the list." */
function leafOf(
  sent: readonly TwinCertificate[],
  serverNames: readonly string[] | undefined,
  holds: Holds,
): TwinCertificate {
  const [own] = sent;
  if (own === undefined) throw new Refusal("certificate_required", "no certificate");
  if (holds("leaf-anywhere") || serverNames === undefined) return own;
  return sent.find((one) => serverNames.some((name) => isForServer(one, name, holds))) ?? own;
}

function alertOf(refused: "unknown issuer" | "bad signature" | "too long", holds: Holds): string {
  return refused === "bad signature" && !holds("root-store-oracle") ? "decrypt_error" : "unknown_ca";
}

function checkTimes(path: TwinPath, now: Date, isPinned: boolean, holds: Holds): void {
  for (const [depth, { notBefore, notAfter }] of path.entries()) {
    if (depth > 0 && !holds("validity-of-leaf-only")) return;
    if (depth === 0 && isPinned && !holds("pin-replaces-validity")) continue;
    const isChecked = (weakness: string) => depth > 0 || holds(weakness);
    if (now < notBefore && isChecked("ignores-not-before")) {
      throw new Refusal("bad_certificate", "not valid yet");
    }
    if (now.getTime() > notAfter.getTime() + 999 && isChecked("ignores-expiry")) {
      throw new Refusal("certificate_expired", "expired");
    }
  }
}

/** Extensions that the twin processes, so that they may be critical. */
const processed: ReadonlySet<string> = new Set([
  Extension.basicConstraints,
  Extension.keyUsage,
  Extension.extendedKeyUsage,
  Extension.subjectAltName,
  Extension.nameConstraints,
]);

function checkCertificate(
  certificate: TwinCertificate,
  anchors: readonly TwinCertificate[],
  holds: Holds,
): void {
  const isAnchor = anchors.includes(certificate);
  if (!isAnchor && !isStrongSignature(certificate) && holds("weak-signature-accepted")) {
    throw new Refusal("bad_certificate", "weak signature");
  }
  const isExplicit = hasExplicitCurve(certificate);
  if (isExplicit && holds("explicit-curve-accepted")) throw new Refusal("bad_certificate", "explicit curve");
  if (!isExplicit && !isStrongKey(certificate) && holds("weak-key-accepted")) {
    throw new Refusal("bad_certificate", "weak key");
  }
  for (const [oid, { critical }] of certificate.extensions) {
    if (critical && !processed.has(oid) && holds("unknown-critical-accepted")) {
      throw new Refusal("unsupported_certificate", "unknown critical extension");
    }
  }
}

/** RFC 9325 §4: RSA from 2048 bits, curves from P-256. */
function isStrongKey({ publicKeyInfo }: TwinCertificate): boolean {
  try {
    checkPublicKey(publicKeyInfo, "a certificate");
    return true;
  } catch {
    return false;
  }
}

/** basicConstraints, keyUsage and extendedKeyUsage; names are read in other ways. */
function usesOf({ extensions }: TwinCertificate): KnownExtensions {
  const read = [Extension.basicConstraints, Extension.keyUsage, Extension.extendedKeyUsage];
  return readKnownExtensions(
    read.flatMap((oid) => {
      const extension = extensions.get(oid);
      return extension === undefined ? [] : [{ oid, ...extension }];
    }),
  );
}

function checkLeaf(
  leaf: TwinCertificate,
  { purpose, serverNames }: TwinVerifierOptions,
  isPinned: boolean,
  holds: Holds,
): void {
  const { basicConstraints, keyUsage, extendedKeyUsage } = usesOf(leaf);
  const isCa = basicConstraints?.ca === true || keyUsage?.has("keyCertSign") === true;
  if (isCa && holds("leaf-is-ca-accepted")) throw new Refusal("bad_certificate", "a CA as a leaf");
  // RFC 8446 §4.4.2.2: "the digitalSignature bit MUST be set if the Key Usage extension is present".
  if (keyUsage?.has("digitalSignature") === false && holds("leaf-key-usage-not-checked")) {
    throw new Refusal("unsupported_certificate", "a key for other things");
  }
  if (!isForPurpose(extendedKeyUsage, purpose, holds)) {
    throw new Refusal("unsupported_certificate", "another purpose");
  }
  const skipsName = !holds("ignores-server-name") || (isPinned && !holds("pin-replaces-name"));
  if (serverNames === undefined || skipsName) return;
  if (!serverNames.some((name) => isForServer(leaf, name, holds))) {
    throw new Refusal("bad_certificate", "another name");
  }
}

function isForPurpose(
  purposes: readonly string[] | undefined,
  purpose: "serverAuth" | "clientAuth",
  holds: Holds,
): boolean {
  if (!holds("purpose-not-checked")) return true;
  if (purposes === undefined) return !holds("missing-purpose-accepted");
  if (purposes.includes(ExtendedKeyUsage.anyExtendedKeyUsage)) return !holds("any-purpose-accepted");
  return purposes.includes(ExtendedKeyUsage[purpose]);
}

function checkIssuers(
  path: TwinPath,
  anchors: readonly TwinCertificate[],
  purpose: "serverAuth" | "clientAuth",
  holds: Holds,
): void {
  // What was taken for an anchor though it is none is believed in everything.
  const issuers = path.slice(1).filter((one) => !anchors.includes(one));
  if (!holds("any-certificate-issues")) return;
  for (const issuer of issuers) {
    if (issuer.version === 1 && !holds("version-1-ca-accepted")) continue;
    const { basicConstraints, keyUsage, extendedKeyUsage } = usesOf(issuer);
    if (basicConstraints?.ca !== true && holds("basic-constraints-not-checked")) {
      throw new Refusal("bad_certificate", "an issuer that is no CA");
    }
    if (keyUsage?.has("keyCertSign") !== true && holds("ca-key-usage-not-checked")) {
      throw new Refusal("bad_certificate", "an issuer that may not sign certificates");
    }
    const isForIt = extendedKeyUsage?.includes(ExtendedKeyUsage[purpose]) !== false;
    if (!isForIt && holds("ca-purpose-ignored")) throw new Refusal("bad_certificate", "a CA for other uses");
  }
  if (holds("path-length-ignored")) checkPathLength(path);
}

/** RFC 5280 §6.1.4 (l), (m), from the anchor down. */
function checkPathLength(path: TwinPath): void {
  let left = Number.POSITIVE_INFINITY;
  for (const issuer of path.slice(1).toReversed()) {
    if (issuer !== path.at(-1) && !isSame(issuer.subject, issuer.issuer)) {
      if (left === 0) throw new Refusal("bad_certificate", "path length");
      left -= 1;
    }
    left = Math.min(left, usesOf(issuer).basicConstraints?.pathLenConstraint ?? left);
  }
}

function checkPins(
  path: TwinPath,
  sent: readonly TwinCertificate[],
  pins: readonly string[] | undefined,
  holds: Holds,
): void {
  if (pins === undefined || !holds("pin-not-checked")) return;
  const candidates = holds("pin-of-unused-certificate") ? path.slice(0, 1) : sent;
  if (!candidates.some(({ publicKeyInfo }) => pins.includes(spkiPin(publicKeyInfo)))) {
    throw new Refusal("bad_certificate", "not the pinned key");
  }
}
