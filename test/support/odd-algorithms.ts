import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  type DerNode,
  explicit,
  integer,
  nullValue,
  objectIdentifier,
  sequence,
} from "../../pki/der/writer.ts";
import { generatePrivateKey, type KeyAlgorithm } from "../../pki/index.ts";

/* Keys and signature algorithms for minted certificates: those that the product makes, and those that it refuses. */

/** Keys that no profile makes. */
export type OddKey =
  | "rsa:1024"
  | "rsa-e3"
  | "p521"
  | "p192"
  | "secp256k1"
  | "rsa-pss"
  | "ed448"
  | "ml-dsa-87";

/** A private key; RSA keys come from a pool that tests share, the others are new. */
export function newKey(algorithm: KeyAlgorithm | OddKey): KeyObject {
  if (!algorithm.startsWith("rsa")) return generate(algorithm);
  let key = rsaKeys.get(algorithm);
  if (key === undefined) rsaKeys.set(algorithm, (key = generate(algorithm)));
  return key;
}

const rsaKeys = new Map<string, KeyObject>();

function generate(algorithm: KeyAlgorithm | OddKey): KeyObject {
  switch (algorithm) {
    case "rsa:1024":
      return generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
    case "rsa-e3":
      return generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 }).privateKey;
    case "rsa-pss":
      return generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).privateKey;
    case "p521":
      return generateKeyPairSync("ec", { namedCurve: "secp521r1" }).privateKey;
    case "p192":
      return generateKeyPairSync("ec", { namedCurve: "prime192v1" }).privateKey;
    case "secp256k1":
      return generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
    case "ed448":
      return generateKeyPairSync("ed448").privateKey;
    case "ml-dsa-87":
      return generateKeyPairSync("ml-dsa-87").privateKey;
    case "p256":
    case "p384":
    case "ed25519":
    case "rsa:2048":
    case "rsa:3072":
    case "rsa:4096":
    case "ml-dsa-44":
    case "ml-dsa-65":
      return generatePrivateKey(algorithm);
  }
}

/** How a signature is written down and made. */
export interface Scheme {
  readonly identifier: DerNode;
  readonly sign: (bytes: Uint8Array, key: KeyObject) => Uint8Array;
}

const sha = { sha256: "2.16.840.1.101.3.4.2.1", sha384: "2.16.840.1.101.3.4.2.2", sha1: "1.3.14.3.2.26" };

const pkcs1 = (oid: string, digest: string): Scheme => ({
  identifier: sequence(objectIdentifier(oid), nullValue()),
  sign: (bytes, key) => sign(digest, bytes, { key, padding: constants.RSA_PKCS1_PADDING }),
});
const plain = (oid: string, digest: string | null): Scheme => ({
  identifier: sequence(objectIdentifier(oid)),
  sign: (bytes, key) => sign(digest, bytes, key),
});
const pss = (digest: keyof typeof sha, saltLength: number, maskDigest = digest, trailerField = 1): Scheme => {
  const hash = (name: keyof typeof sha) => sequence(objectIdentifier(sha[name]), nullValue());
  const parameters = sequence(
    explicit(0, hash(digest)),
    explicit(1, sequence(objectIdentifier("1.2.840.113549.1.1.8"), hash(maskDigest))),
    explicit(2, integer(saltLength)),
    trailerField === 1 ? undefined : explicit(3, integer(trailerField)),
  );
  return {
    identifier: sequence(objectIdentifier("1.2.840.113549.1.1.10"), parameters),
    sign: (bytes, key) => sign(digest, bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }),
  };
};

/** Signature algorithms, good and bad. */
export const signatures = {
  "ecdsa-sha256": plain("1.2.840.10045.4.3.2", "sha256"),
  "ecdsa-sha384": plain("1.2.840.10045.4.3.3", "sha384"),
  "ecdsa-sha512": plain("1.2.840.10045.4.3.4", "sha512"),
  "ecdsa-sha1": plain("1.2.840.10045.4.1", "sha1"),
  "ecdsa-sha224": plain("1.2.840.10045.4.3.1", "sha224"),
  "rsa-sha256": pkcs1("1.2.840.113549.1.1.11", "sha256"),
  "rsa-sha384": pkcs1("1.2.840.113549.1.1.12", "sha384"),
  "rsa-sha512": pkcs1("1.2.840.113549.1.1.13", "sha512"),
  "rsa-sha224": pkcs1("1.2.840.113549.1.1.14", "sha224"),
  "rsa-sha1": pkcs1("1.2.840.113549.1.1.5", "sha1"),
  "rsa-md5": pkcs1("1.2.840.113549.1.1.4", "md5"),
  "rsa-pss-sha256": pss("sha256", 32),
  "rsa-pss-sha384": pss("sha384", 48),
  "rsa-pss-sha1": pss("sha1", 20),
  "rsa-pss-mixed": pss("sha256", 32, "sha1"),
  "rsa-pss-trailer": pss("sha256", 32, "sha256", 2),
  /** Parameters that their RFCs do not allow. */
  "rsa-sha256-without-null": {
    ...pkcs1("1.2.840.113549.1.1.11", "sha256"),
    identifier: sequence(objectIdentifier("1.2.840.113549.1.1.11")),
  },
  "ecdsa-sha256-with-null": {
    ...plain("1.2.840.10045.4.3.2", "sha256"),
    identifier: sequence(objectIdentifier("1.2.840.10045.4.3.2"), nullValue()),
  },
  ed25519: plain("1.3.101.112", null),
  ed448: plain("1.3.101.113", null),
  "ml-dsa-44": plain("2.16.840.1.101.3.4.3.17", null),
  "ml-dsa-65": plain("2.16.840.1.101.3.4.3.18", null),
  "ml-dsa-87": plain("2.16.840.1.101.3.4.3.19", null),
  /** An OID that nobody knows, over an honest ECDSA signature. */
  unknown: plain("1.2.3.4.5", "sha256"),
} as const satisfies Record<string, Scheme>;
export type SignatureName = keyof typeof signatures;

/** What a CA with this key would sign with. */
export function defaultSignature(key: KeyObject): SignatureName {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "ec") {
    if (details?.namedCurve === "secp384r1") return "ecdsa-sha384";
    return details?.namedCurve === "secp521r1" ? "ecdsa-sha512" : "ecdsa-sha256";
  }
  if (type === "rsa") return "rsa-sha256";
  if (type === "rsa-pss") return "rsa-pss-sha256";
  if (type !== undefined && isSignatureName(type)) return type;
  throw new RangeError(`no signature algorithm for a key of type ${type}`);
}

function isSignatureName(name: string): name is SignatureName {
  return Object.hasOwn(signatures, name);
}
