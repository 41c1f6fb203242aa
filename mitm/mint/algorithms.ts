import { constants, generateKeyPair, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import {
  type DerNode,
  explicit,
  integer,
  nullValue,
  objectIdentifier,
  sequence,
} from "../../pki/der/writer.ts";
import { generatePrivateKey, type KeyAlgorithm } from "../../pki/index.ts";

/** Keys that no profile makes: too short, of an odd curve, or of an odd kind. */
export type OddKey = "rsa:1024" | "p192" | "p521" | "secp256k1" | "rsa-pss" | "ed448";

const pairOf = promisify(generateKeyPair);

/** A private key; RSA keys are made once in a process and shared, since they take long. */
export function newKey(algorithm: KeyAlgorithm | OddKey): Promise<KeyObject> {
  if (!algorithm.startsWith("rsa")) return generate(algorithm);
  let key = rsaKeys.get(algorithm);
  if (key === undefined) rsaKeys.set(algorithm, (key = generate(algorithm)));
  return key;
}

const rsaKeys = new Map<string, Promise<KeyObject>>();

async function generate(algorithm: KeyAlgorithm | OddKey): Promise<KeyObject> {
  switch (algorithm) {
    case "rsa:1024":
    case "rsa:2048":
    case "rsa:3072":
    case "rsa:4096":
      return (await pairOf("rsa", { modulusLength: Number(algorithm.slice(4)) })).privateKey;
    case "rsa-pss":
      return (await pairOf("rsa-pss", { modulusLength: 2048 })).privateKey;
    case "p521":
      return (await pairOf("ec", { namedCurve: "secp521r1" })).privateKey;
    case "p192":
      return (await pairOf("ec", { namedCurve: "prime192v1" })).privateKey;
    case "secp256k1":
      return (await pairOf("ec", { namedCurve: "secp256k1" })).privateKey;
    case "ed448":
      return (await pairOf("ed448", {})).privateKey;
    case "p256":
    case "p384":
    case "ed25519":
    case "ml-dsa-44":
    case "ml-dsa-65":
      return generatePrivateKey(algorithm);
  }
}

/** Private keys by what is odd about them. */
export interface SpareKeys {
  readonly p256: KeyObject;
  readonly rsa2048: KeyObject;
  /** Too short. */
  readonly rsa1024: KeyObject;
}

/**
 * Further keys for a gateway's certificate, the same for the whole process. A device of the lab's own pins them, as it
 * would the key to come, so that its pin is no reason to refuse an attack that needs another key.
 */
export function spareKeys(): Promise<SpareKeys> {
  spare ??= makeSpareKeys();
  return spare;
}

let spare: Promise<SpareKeys> | undefined;

async function makeSpareKeys(): Promise<SpareKeys> {
  const all = Promise.all([newKey("p256"), newKey("rsa:2048"), newKey("rsa:1024")]);
  const [p256, rsa2048, rsa1024] = await all;
  return { p256, rsa2048, rsa1024 };
}

/** How a signature is written down in a certificate, and made. */
export interface Scheme {
  readonly identifier: DerNode;
  readonly sign: (bytes: Uint8Array, key: KeyObject) => Uint8Array;
}

const hashes = { sha256: "2.16.840.1.101.3.4.2.1", sha384: "2.16.840.1.101.3.4.2.2" } as const;

const pkcs1 = (oid: string, digest: string): Scheme => ({
  identifier: sequence(objectIdentifier(oid), nullValue()),
  sign: (bytes, key) => sign(digest, bytes, { key, padding: constants.RSA_PKCS1_PADDING }),
});
const plain = (oid: string, digest: string | null): Scheme => ({
  identifier: sequence(objectIdentifier(oid)),
  sign: (bytes, key) => sign(digest, bytes, key),
});
const pss = (digest: keyof typeof hashes, saltLength: number): Scheme => {
  const hash = () => sequence(objectIdentifier(hashes[digest]), nullValue());
  const parameters = sequence(
    explicit(0, hash()),
    explicit(1, sequence(objectIdentifier("1.2.840.113549.1.1.8"), hash())),
    explicit(2, integer(saltLength)),
  );
  return {
    identifier: sequence(objectIdentifier("1.2.840.113549.1.1.10"), parameters),
    sign: (bytes, key) => sign(digest, bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }),
  };
};

/** Signature algorithms of certificates, good and bad. */
export const signatures = {
  "ecdsa-sha256": plain("1.2.840.10045.4.3.2", "sha256"),
  "ecdsa-sha384": plain("1.2.840.10045.4.3.3", "sha384"),
  "ecdsa-sha512": plain("1.2.840.10045.4.3.4", "sha512"),
  "ecdsa-sha1": plain("1.2.840.10045.4.1", "sha1"),
  "rsa-sha256": pkcs1("1.2.840.113549.1.1.11", "sha256"),
  "rsa-sha1": pkcs1("1.2.840.113549.1.1.5", "sha1"),
  "rsa-md5": pkcs1("1.2.840.113549.1.1.4", "md5"),
  "rsa-pss-sha256": pss("sha256", 32),
  ed25519: plain("1.3.101.112", null),
  ed448: plain("1.3.101.113", null),
  "ml-dsa-44": plain("2.16.840.1.101.3.4.3.17", null),
  "ml-dsa-65": plain("2.16.840.1.101.3.4.3.18", null),
} as const satisfies Record<string, Scheme>;
export type SignatureName = keyof typeof signatures;

/** What a CA with this key would sign with. Throws RangeError for a key that signs nothing. */
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
