import type { KeyObject } from "node:crypto";
import { Tag } from "../der/tag.ts";
import {
  bitString,
  constructed,
  type DerNode,
  encode,
  encoded,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  sequence,
  setOf,
  time,
} from "../der/writer.ts";
import type { Signer } from "../signer.ts";
import { algorithmIdentifier, signatureAlgorithmFor } from "./algorithms.ts";
import type { CRLReason } from "./certificate-list.ts";
import { CRLReason as reasons } from "./certificate-list.ts";
import type { RawExtension } from "./extensions.ts";
import { extensionNode, reasonCode } from "./make-extensions.ts";
import type { Name } from "./name.ts";
import { EXTENSION_REQUEST } from "./oids.ts";
import { exportPublicKey } from "./public-key.ts";

/** What a certificate says. Nothing is added and nothing is checked: a profile does that. */
export interface CertificateFields {
  /** Unsigned, big-endian; at most 20 octets with the top bit 0 (RFC 5280 §4.1.2.2). */
  readonly serialNumber: Uint8Array;
  readonly issuer: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Name;
  /** DER */
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly extensions: readonly RawExtension[];
}

export interface CertificateListFields {
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** `serialNumber` in hex. */
  readonly revoked: Iterable<{ serialNumber: string; revocationDate: Date; reason?: CRLReason }>;
  readonly extensions: readonly RawExtension[];
}

export interface CertificateRequestFields {
  readonly subject: Name;
  readonly extensions?: readonly RawExtension[];
}

/**
 * A version 3 certificate, signed by its issuer; DER.
 *     TBSCertificate ::= SEQUENCE { version [0], serialNumber, signature, issuer, validity, subject,
 *                                   subjectPublicKeyInfo, extensions [3] }         -- RFC 5280 §4.1
 */
export function signCertificate(fields: CertificateFields, issuer: Signer): Promise<Uint8Array> {
  const algorithm = signatureIdentifier(issuer);
  const tbsCertificate = sequence(
    VERSION_3,
    integer(fields.serialNumber),
    algorithm,
    encoded(fields.issuer.der),
    sequence(time(fields.notBefore), time(fields.notAfter)),
    encoded(fields.subject.der),
    encoded(fields.subjectPublicKeyInfo),
    fields.extensions.length === 0
      ? undefined
      : explicit(3, sequence(...fields.extensions.map(extensionNode))),
  );
  return signed(tbsCertificate, algorithm, issuer);
}

/** A certificate request, signed by its subject's key; DER (RFC 2986 §4). */
export function signCertificateRequest(
  fields: CertificateRequestFields,
  subject: Signer,
): Promise<Uint8Array> {
  const wanted = fields.extensions ?? [];
  const extensionRequest = sequence(
    objectIdentifier(EXTENSION_REQUEST),
    setOf(sequence(...wanted.map(extensionNode))),
  );
  const certificationRequestInfo = sequence(
    integer(0),
    encoded(fields.subject.der),
    encoded(exportPublicKey(subject.publicKey)),
    implicit(0, wanted.length === 0 ? setOf() : setOf(extensionRequest)),
  );
  return signed(certificationRequestInfo, signatureIdentifier(subject), subject);
}

/** A version 2 CRL, signed by its issuer; DER (RFC 5280 §5.1). */
export function signCertificateList(fields: CertificateListFields, issuer: Signer): Promise<Uint8Array> {
  const algorithm = signatureIdentifier(issuer);
  const revoked: DerNode[] = [];
  for (const { serialNumber, revocationDate, reason } of fields.revoked) {
    // RFC 5280 §5.3.1: the reasonCode extension SHOULD be absent instead of using unspecified.
    const entryExtensions =
      reason === undefined || reason === "unspecified"
        ? undefined
        : sequence(extensionNode(reasonCode(reasons[reason])));
    revoked.push(sequence(integer(Buffer.from(serialNumber, "hex")), time(revocationDate), entryExtensions));
  }
  const tbsCertList = sequence(
    integer(1),
    algorithm,
    encoded(fields.issuer.der),
    time(fields.thisUpdate),
    time(fields.nextUpdate),
    // RFC 5280 §5.1.2.6: when there are no revoked certificates, the list MUST be absent.
    revoked.length === 0 ? undefined : constructed(Tag.SEQUENCE, revoked),
    explicit(0, sequence(...fields.extensions.map(extensionNode))),
  );
  return signed(tbsCertList, algorithm, issuer);
}

const VERSION_3 = encoded(encode(explicit(0, integer(2))));
const identifiers = new WeakMap<KeyObject, DerNode>();

function signatureIdentifier(signer: Signer): DerNode {
  const known = identifiers.get(signer.publicKey);
  if (known !== undefined) return known;
  const identifier = algorithmIdentifier(signatureAlgorithmFor(signer.publicKey));
  identifiers.set(signer.publicKey, identifier);
  return identifier;
}

async function signed(tbs: DerNode, algorithm: DerNode, signer: Signer): Promise<Uint8Array> {
  const bytes = encode(tbs);
  const signature = await signer.sign(bytes);
  return encode(sequence(encoded(bytes), algorithm, bitString(signature)));
}
