import { type KeyObject, verify } from "node:crypto";
import type { DerReader } from "../der/reader.ts";
import { Tag } from "../der/tag.ts";
import { type DerNode, encode, encoded, nullValue, objectIdentifier, sequence } from "../der/writer.ts";
import { PkiError } from "../errors.ts";

/**
 * RFC 5280 §4.1.1.2
 *     AlgorithmIdentifier ::= SEQUENCE {
 *       algorithm   OBJECT IDENTIFIER,
 *       parameters  ANY DEFINED BY algorithm OPTIONAL }
 */
export interface AlgorithmIdentifier {
  readonly der: Uint8Array;
  readonly algorithm: string;
  /** DER of the parameters; undefined when absent. */
  readonly parameters: Uint8Array | undefined;
}

export interface SignatureAlgorithm {
  readonly name: string;
  readonly oid: string;
  /** What node:crypto calls the key. */
  readonly keyType: string;
  /** The digest for node:crypto; null where the algorithm hashes by itself. */
  readonly digest: "sha256" | "sha384" | "sha512" | null;
  /** RFC 4055 §5: NULL for RSA. RFC 5758 §3.2, RFC 8410 §3, RFC 9881 §2: absent for the others. */
  readonly parameters: "NULL" | "absent";
}

/** What certificates, requests and CRLs may be signed with. SHA-1 and MD5 are not here, so they never verify. */
const signatureAlgorithms = [
  row("ecdsa-with-SHA256", "1.2.840.10045.4.3.2", "ec", "sha256", "absent"),
  row("ecdsa-with-SHA384", "1.2.840.10045.4.3.3", "ec", "sha384", "absent"),
  row("ecdsa-with-SHA512", "1.2.840.10045.4.3.4", "ec", "sha512", "absent"),
  row("id-Ed25519", "1.3.101.112", "ed25519", null, "absent"),
  row("sha256WithRSAEncryption", "1.2.840.113549.1.1.11", "rsa", "sha256", "NULL"),
  row("sha384WithRSAEncryption", "1.2.840.113549.1.1.12", "rsa", "sha384", "NULL"),
  row("sha512WithRSAEncryption", "1.2.840.113549.1.1.13", "rsa", "sha512", "NULL"),
  row("id-ml-dsa-44", "2.16.840.1.101.3.4.3.17", "ml-dsa-44", null, "absent"),
  row("id-ml-dsa-65", "2.16.840.1.101.3.4.3.18", "ml-dsa-65", null, "absent"),
  row("id-ml-dsa-87", "2.16.840.1.101.3.4.3.19", "ml-dsa-87", null, "absent"),
] as const satisfies readonly SignatureAlgorithm[];

const byOid: ReadonlyMap<string, SignatureAlgorithm> = new Map(signatureAlgorithms.map((a) => [a.oid, a]));
const byName: ReadonlyMap<string, SignatureAlgorithm> = new Map(signatureAlgorithms.map((a) => [a.name, a]));

/** The algorithm behind an OID, or undefined when it is not accepted here. */
export function signatureAlgorithmOf(oid: string): SignatureAlgorithm | undefined {
  return byOid.get(oid);
}

/** The algorithm that a key signs certificates with. Throws PKI_ALGORITHM_UNSUPPORTED. */
export function signatureAlgorithmFor(publicKey: KeyObject): SignatureAlgorithm {
  const name = signatureNameFor(publicKey);
  const algorithm = name === undefined ? undefined : byName.get(name);
  if (algorithm === undefined) {
    throw new PkiError(
      "PKI_ALGORITHM_UNSUPPORTED",
      `no certificate is signed with a key of type ${describe(publicKey)}`,
    );
  }
  return algorithm;
}

export function algorithmIdentifier(algorithm: SignatureAlgorithm): DerNode {
  return encoded(
    encode(
      sequence(objectIdentifier(algorithm.oid), algorithm.parameters === "NULL" ? nullValue() : undefined),
    ),
  );
}

export function readAlgorithmIdentifier(reader: DerReader, what: string): AlgorithmIdentifier {
  const fields = reader.sequence(what);
  const der = reader.lastEncoded;
  const algorithm = fields.objectIdentifier(`${what} algorithm`);
  const parameters = fields.atEnd ? undefined : fields.any(`${what} parameters`);
  fields.end(what);
  return { der, algorithm, parameters };
}

/** What is signed, by what, and the signature: the outer shape of certificates, requests and CRLs. */
export interface Signed {
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: string;
  readonly signatureParameters: Uint8Array | undefined;
  readonly signature: Uint8Array;
}

/**
 * Whether `publicKey` made this signature. Throws PKI_ALGORITHM_UNSUPPORTED when the algorithm is not accepted
 * (SHA-1, RSA-PSS, unknown ones) or its parameters are not what its RFC wants.
 */
export function verifySignature(signed: Signed, publicKey: KeyObject): boolean {
  const algorithm = byOid.get(signed.signatureAlgorithm);
  if (algorithm === undefined) {
    throw new PkiError(
      "PKI_ALGORITHM_UNSUPPORTED",
      `signature algorithm ${signed.signatureAlgorithm} is not accepted`,
    );
  }
  if (!hasRightParameters(algorithm, signed.signatureParameters)) {
    throw new PkiError("PKI_ALGORITHM_UNSUPPORTED", `${algorithm.name} with wrong parameters`);
  }
  // The key's own type decides, not what the signature says about itself.
  if (publicKey.asymmetricKeyType !== algorithm.keyType) return false;
  try {
    return verify(algorithm.digest, signed.tbs, publicKey, signed.signature);
  } catch {
    // node:crypto throws for some signatures of a wrong shape; they are as false as the others.
    return false;
  }
}

/** Whether the DER of the parameters (undefined when absent) is what the algorithm's RFC wants. */
export function hasRightParameters(
  algorithm: SignatureAlgorithm,
  parameters: Uint8Array | undefined,
): boolean {
  return algorithm.parameters === "NULL" ? isDerNull(parameters) : parameters === undefined;
}

export function isDerNull(der: Uint8Array | undefined): boolean {
  return der?.length === 2 && der[0] === Tag.NULL;
}

function signatureNameFor(publicKey: KeyObject): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  if (type === "ec") return ecdsaByCurve.get(details?.namedCurve ?? "");
  if (type === "rsa") return "sha256WithRSAEncryption";
  return type === "ed25519" ? "id-Ed25519" : `id-${type ?? ""}`;
}

/** The digest is as long as the curve's order (RFC 5480 §4). */
const ecdsaByCurve: ReadonlyMap<string, string> = new Map([
  ["prime256v1", "ecdsa-with-SHA256"],
  ["secp384r1", "ecdsa-with-SHA384"],
  ["secp521r1", "ecdsa-with-SHA512"],
]);

function describe(key: KeyObject): string {
  return key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? key.type;
}

function row(
  name: string,
  oid: string,
  keyType: string,
  digest: SignatureAlgorithm["digest"],
  parameters: SignatureAlgorithm["parameters"],
): SignatureAlgorithm {
  return { name, oid, keyType, digest, parameters };
}
