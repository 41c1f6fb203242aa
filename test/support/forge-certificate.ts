import {
  bitString,
  type DerNode,
  encode,
  encoded,
  explicit,
  integer,
  type Optional,
  objectIdentifier,
  sequence,
  time,
} from "../../pki/der/writer.ts";
import { exportPublicKey, generatePrivateKey, KeySigner, Name, type RawExtension } from "../../pki/index.ts";
import { extensionNode } from "../../pki/x509/make-extensions.ts";

const spki = exportPublicKey(new KeySigner(generatePrivateKey("p256")).publicKey);

export const ecdsaWithSha256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));

export interface ForgedFields {
  version: Optional;
  serialNumber: DerNode;
  signature: DerNode;
  issuer: DerNode;
  validity: DerNode;
  subject: DerNode;
  subjectPublicKeyInfo: DerNode;
  /** After subjectPublicKeyInfo. */
  rest: readonly DerNode[];
  signatureAlgorithm: DerNode;
  signatureValue: DerNode;
}

/** A certificate with any field replaced, whatever the rules say. Its signature is no signature. */
export function forgeCertificate(fields: Partial<ForgedFields> = {}): Uint8Array {
  const f: ForgedFields = {
    version: explicit(0, integer(2)),
    serialNumber: integer(0x42),
    signature: ecdsaWithSha256,
    issuer: encoded(Name.of({ CN: "Forged CA" }).der),
    validity: sequence(time(new Date("2026-01-01")), time(new Date("2027-01-01"))),
    subject: encoded(Name.of({ CN: "forged" }).der),
    subjectPublicKeyInfo: encoded(spki),
    rest: [],
    signatureAlgorithm: ecdsaWithSha256,
    signatureValue: bitString(new Uint8Array(70).fill(7)),
    ...fields,
  };
  const tbs = sequence(
    f.version,
    f.serialNumber,
    f.signature,
    f.issuer,
    f.validity,
    f.subject,
    f.subjectPublicKeyInfo,
    ...f.rest,
  );
  return encode(sequence(tbs, f.signatureAlgorithm, f.signatureValue));
}

/** The `extensions [3]` field. */
export function extensionsField(...extensions: readonly RawExtension[]): DerNode {
  return explicit(3, sequence(...extensions.map(extensionNode)));
}
