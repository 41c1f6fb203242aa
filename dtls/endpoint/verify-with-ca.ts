import { createHash, type KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { PeerClaim } from "../association/outputs.ts";
import { publicKeyOfCertificate } from "../crypto/public-key.ts";
import { schemesForKey } from "../crypto/signature.ts";
import { DtlsError } from "../errors.ts";
import {
  allowsDigitalSignature,
  type CertificateFields,
  extensionIds,
  readBasicConstraints,
  readCertificateFields,
} from "./certificate-fields.ts";

/** What `session.identity` is where the option `ca` did the verification. */
export interface CertificateIdentity {
  /** RFC 4514 would write it otherwise; for people. */
  readonly subject: string;
  /** As node:crypto prints it: "DNS:a.example, IP Address:192.0.2.1". */
  readonly subjectAltName: string | undefined;
  /** SHA-256 of the certificate, as node:crypto prints it. */
  readonly fingerprint256: string;
  /** The earliest end of validity on the path. */
  readonly notAfter: Date;
}

export interface CaRules {
  readonly anchors: readonly X509Certificate[];
  /** What the peer is. */
  readonly peer: "client" | "server";
  /** Server: the DNS name or address that its certificate must have. */
  readonly name: string | undefined;
  wallClock(): number;
}

/** More certificates than any honest path has. */
const deepest = 6;
/** More than any honest chain has, with a root that could have been left out, and a CA's older certificates. */
const mostCertificates = 10;
/** Of signatures by certificates that the peer sent: it has proved nothing yet, and chooses what they cost. */
const mostChecks = 12;
/** Half a kilobyte each, and only of peers that were found good. */
const rememberedPaths = 4096;
const smallestRsaBits = 2048;

/** RFC 5280 §4.2.1.12 */
const purposes = { client: "1.3.6.1.5.5.7.3.2", server: "1.3.6.1.5.5.7.3.1" } as const;

/** ECDSA with SHA-256/384/512, RSA PKCS#1 with SHA-256/384/512, Ed25519: nothing that rests on SHA-1 or MD5. */
const signatureAlgorithms: ReadonlySet<string> = new Set([
  "2a8648ce3d040302",
  "2a8648ce3d040303",
  "2a8648ce3d040304",
  "2a864886f70d01010b",
  "2a864886f70d01010c",
  "2a864886f70d01010d",
  "2b6570",
]);

/** RFC 5280 §4.2: a certificate with a critical extension that is not understood MUST be refused. */
const understood: ReadonlySet<string> = new Set([
  extensionIds.keyUsage,
  extensionIds.subjectAltName,
  extensionIds.basicConstraints,
  extensionIds.extKeyUsage,
]);

interface Path {
  readonly identity: CertificateIdentity;
  readonly from: number;
  readonly until: number;
}

/**
 * The verification behind the option `ca`: the plain half of RFC 5280 §6, on node:crypto. What it does not do is
 * refused, never skipped: name constraints, policies, self-issued intermediates. It knows no revocation.
 */
export function verifyWithCa(rules: CaRules): (claim: PeerClaim) => CertificateIdentity {
  // Two signature checks cost a third of a handshake; validity is looked at each time.
  const known = new Map<string, Path>();
  const anchors = rules.anchors.map((x509) => ({ x509, fields: readCertificateFields(x509.raw) }));
  return (claim) => {
    if (claim.certificateType !== "X509") {
      throw refused("the option ca judges X.509 certificates; raw public keys need verifyPeer");
    }
    const key = digestOf(claim.chain);
    const now = rules.wallClock();
    const remembered = known.get(key);
    const path =
      remembered !== undefined && now <= remembered.until
        ? remembered
        : findPath(claim.chain, validFirst(anchors, now), rules);
    if (now < path.from) throw expired("is not valid yet", path.identity);
    if (now > path.until) throw expired("is past its validity", path.identity);
    known.delete(key);
    known.set(key, path);
    forgetOldest(known);
    return path.identity;
  };
}

/** @throws DtlsError DTLS_OPTIONS_INVALID when one of them is not a CA's */
export function assertAnchors(anchors: readonly X509Certificate[]): void {
  const odd = anchors.find((anchor) => !anchor.ca);
  if (odd === undefined) return;
  throw new DtlsError(
    "DTLS_OPTIONS_INVALID",
    `ca holds a certificate that is not a CA's (${nameOf(odd)}); to pin a certificate use verifyPeer`,
  );
}

interface Parsed {
  readonly x509: X509Certificate;
  readonly fields: CertificateFields;
}

/** A CA that was renewed has the same name and key twice, and one of the two may be over. */
function validFirst(anchors: readonly Parsed[], now: number): readonly Parsed[] {
  const isValid = ({ x509 }: Parsed) =>
    x509.validFromDate.getTime() <= now && now <= x509.validToDate.getTime();
  return anchors.toSorted((a, b) => Number(isValid(b)) - Number(isValid(a)));
}

/** From the peer's certificate up to an anchor, which is its last. */
function findPath(chain: readonly Uint8Array[], anchors: readonly Parsed[], rules: CaRules): Path {
  if (chain.length > mostCertificates) {
    throw refused(`the peer showed ${chain.length} certificates, at most ${mostCertificates} are read`);
  }
  const [leaf, ...others] = chain.map((der) => parse(der));
  if (leaf === undefined) throw refused("the peer showed no certificate");
  let checks = 0;
  const maySign = ({ x509: issuer }: Parsed, below: X509Certificate) => {
    if (!isNamedIssuer(issuer, below)) return false;
    if (!isUsualKey(issuer.publicKey)) throw refused(`the key of ${nameOf(issuer)} is not one that CAs have`);
    checks += 1;
    if (checks > mostChecks) throw refused("the chain takes more signature checks than any honest one");
    return below.verify(issuer.publicKey);
  };
  const path = [leaf];
  for (let current = leaf; path.length < deepest; ) {
    const { x509 } = current;
    const anchor = anchors.find(
      (candidate) => isNamedIssuer(candidate.x509, x509) && x509.verify(candidate.x509.publicKey),
    );
    if (anchor !== undefined) return judge([...path, anchor], rules);
    const issuer = others.find((candidate) => !path.includes(candidate) && maySign(candidate, x509));
    if (issuer === undefined) break;
    path.push(issuer);
    current = issuer;
  }
  throw new DtlsError("DTLS_UNKNOWN_CA", `no certificate of the option ca stands above ${nameOf(leaf.x509)}`);
}

function judge(path: readonly Parsed[], rules: CaRules): Path {
  const [leaf, ...above] = path;
  if (leaf === undefined) throw refused("the peer showed no certificate");
  for (const { x509, fields } of path) judgeExtensions(x509, fields);
  for (const { x509, fields } of path.slice(0, -1)) judgeSigned(x509, fields);
  for (const [below, { x509, fields }] of above.entries()) judgeAuthority(x509, fields, below, rules);
  judgeLeaf(leaf, rules);
  const until = path.map(({ x509 }) => x509.validToDate.getTime());
  return {
    identity: {
      subject: nameOf(leaf.x509),
      subjectAltName: leaf.x509.subjectAltName,
      fingerprint256: leaf.x509.fingerprint256,
      notAfter: new Date(Math.min(...until)),
    },
    from: Math.max(...path.map(({ x509 }) => x509.validFromDate.getTime())),
    until: Math.min(...until),
  };
}

function judgeExtensions(x509: X509Certificate, { extensions }: CertificateFields): void {
  if (extensions.has(extensionIds.nameConstraints)) {
    throw refused(`${nameOf(x509)} has name constraints, which need a full path validation in verifyPeer`);
  }
  for (const [id, { critical }] of extensions) {
    if (critical && !understood.has(id)) {
      throw refused(`${nameOf(x509)} has a critical extension that is not understood (OID ${id} in hex)`);
    }
  }
}

/** The anchor alone is believed without its signature. */
function judgeSigned(x509: X509Certificate, { signatureAlgorithm }: CertificateFields): void {
  if (!signatureAlgorithms.has(signatureAlgorithm)) {
    throw refused(`${nameOf(x509)} is signed by an algorithm that is not taken (OID ${signatureAlgorithm})`);
  }
  // RFC 5280 §6.1 has special rules for these, and honest PKIs need them only while a CA changes its key.
  if (x509.subject === x509.issuer) {
    throw refused(`${nameOf(x509)} is issued by itself, which needs a full path validation in verifyPeer`);
  }
}

/** `below`: how many CA certificates stand between this one and the leaf. */
function judgeAuthority(
  x509: X509Certificate,
  fields: CertificateFields,
  below: number,
  rules: CaRules,
): void {
  const bits = x509.publicKey.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < smallestRsaBits) {
    throw refused(`the RSA key of ${nameOf(x509)} has ${bits} bits, ${smallestRsaBits} are needed`);
  }
  // RFC 5280 §6.1.4 (k), (n): cA is TRUE, and keyUsage, where it is there, has keyCertSign. node:crypto looks at both.
  if (!x509.ca) throw refused(`${nameOf(x509)} is not a CA's and issued a certificate`);
  const constraints = fields.extensions.get(extensionIds.basicConstraints);
  const { ca, pathLength } = constraints === undefined ? noCa : readBasicConstraints(constraints.value);
  if (!ca) throw refused(`${nameOf(x509)} is not a CA's and issued a certificate`);
  // RFC 5280 §6.1.4 (m)
  if (pathLength !== undefined && pathLength < below) {
    throw refused(`${nameOf(x509)} allows ${pathLength} CAs below it, there are ${below}`);
  }
  const purpose = purposes[rules.peer];
  if (fields.extensions.has(extensionIds.extKeyUsage) && !x509.keyUsage.includes(purpose)) {
    throw refused(`${nameOf(x509)} may not issue for ${rules.peer}s (extended key usage)`);
  }
}

function judgeLeaf({ x509, fields }: Parsed, { peer, name }: CaRules): void {
  // Throws for a key that is too short. The handshake has read it already, so that this finds it.
  publicKeyOfCertificate(x509.raw);
  if (x509.ca) throw refused(`${nameOf(x509)} is a CA's certificate, not a ${peer}'s`);
  const keyUsage = fields.extensions.get(extensionIds.keyUsage);
  if (keyUsage !== undefined && !allowsDigitalSignature(keyUsage.value)) {
    throw refused(`the key of ${nameOf(x509)} may not sign (key usage)`);
  }
  // A certificate that is for everything is for nothing: the purpose must stand there.
  if (!fields.extensions.has(extensionIds.extKeyUsage) || !x509.keyUsage.includes(purposes[peer])) {
    throw refused(`${nameOf(x509)} is not for ${peer}s (extended key usage)`);
  }
  if (peer === "server" && !hasName(x509, name)) {
    throw refused(
      `${nameOf(x509)} is not for the name ${name ?? "(none)"}, but ${x509.subjectAltName ?? "no name"}`,
    );
  }
}

/** RFC 9525 §6: of subjectAltName alone, a wildcard being a whole label. */
function hasName(x509: X509Certificate, name: string | undefined): boolean {
  if (name === undefined || name === "") return false;
  if (isIP(name) !== 0) return x509.checkIP(name) !== undefined;
  return x509.checkHost(name, { subject: "never", partialWildcards: false }) !== undefined;
}

/** By names, key ids and key usage; node:crypto looks at no signature for this. */
function isNamedIssuer(issuer: X509Certificate, subject: X509Certificate): boolean {
  return subject.checkIssued(issuer) && issuer.ca;
}

/** Others, and small or large ones of RSA, can make a single check take as long as a hundred. */
function isUsualKey(key: KeyObject): boolean {
  return schemesForKey(key).length > 0 || key.asymmetricKeyDetails?.namedCurve === "secp521r1";
}

function parse(der: Uint8Array): Parsed {
  const fields = readCertificateFields(der);
  const x509 = readX509(der);
  // It looks for PEM anywhere before it reads DER: what it found must be what `fields` are of.
  if (Buffer.compare(x509.raw, der) !== 0) throw refused("a certificate is not DER and nothing else");
  return { x509, fields };
}

function readX509(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new DtlsError("DTLS_BAD_CERTIFICATE", "a certificate cannot be parsed", { cause });
  }
}

function digestOf(chain: readonly Uint8Array[]): string {
  const digest = createHash("sha256");
  for (const der of chain) digest.update(der);
  // DER says its own length, so two chains with the same bytes are the same chain.
  return digest.digest("latin1");
}

function forgetOldest(known: Map<string, Path>): void {
  if (known.size <= rememberedPaths) return;
  const oldest = known.keys().next();
  if (oldest.done !== true) known.delete(oldest.value);
}

/** node:crypto puts each attribute on a line of its own. */
function nameOf(x509: X509Certificate): string {
  return x509.subject === "" ? "(no subject)" : x509.subject.replaceAll("\n", ", ");
}

function refused(message: string): DtlsError {
  return new DtlsError("DTLS_BAD_CERTIFICATE", message);
}

function expired(how: string, { subject }: CertificateIdentity): DtlsError {
  return new DtlsError(
    "DTLS_CERTIFICATE_EXPIRED",
    `the certificate of ${subject}, or of a CA above it, ${how}`,
  );
}

const noCa = { ca: false, pathLength: undefined } as const;
