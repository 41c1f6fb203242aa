import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { encode, octetString, sequence } from "./der/writer.ts";
import { PkiError } from "./errors.ts";
import { readOwnerOnlyFile, writeFileAtomic } from "./files.ts";
import { assertQuickToDecrypt, encryptPbes2 } from "./pbes2.ts";
import { decodePem, encodePem } from "./pem.ts";

export const keyAlgorithms = [
  "p256",
  "p384",
  "ed25519",
  "rsa:2048",
  "rsa:3072",
  "rsa:4096",
  "ml-dsa-44",
  "ml-dsa-65",
] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

/** A new private key. Throws PKI_ALGORITHM_UNSUPPORTED when this runtime does not know the algorithm. */
export function generatePrivateKey(algorithm: KeyAlgorithm): KeyObject {
  try {
    return generate(algorithm);
  } catch (cause) {
    throw new PkiError("PKI_ALGORITHM_UNSUPPORTED", `this runtime cannot make ${algorithm} keys`, { cause });
  }
}

export interface PrivateKeyOptions {
  readonly passphrase?: string;
}

/**
 * Reads a PEM private key (PKCS#8, encrypted or not, SEC 1 or PKCS#1). Throws PKI_KEY_PERMISSIONS when others may
 * read the file, PKI_PASSPHRASE_REQUIRED, PKI_WRONG_PASSPHRASE, PKI_KEY_FILE.
 */
export function readPrivateKeyFile(path: string, options: PrivateKeyOptions = {}): KeyObject {
  return decodePrivateKey(readOwnerOnlyFile(path), options, path);
}

/** Writes a key as PKCS#8 PEM, mode 0600, in one step; encrypted when there is a passphrase. */
export function writePrivateKeyFile(path: string, key: KeyObject, options: PrivateKeyOptions = {}): void {
  writeFileAtomic(path, encodePrivateKey(key, options), 0o600);
}

/** `name` is what messages call the text. */
export function decodePrivateKey(
  pem: string,
  options: PrivateKeyOptions = {},
  name = "the private key",
): KeyObject {
  const isPkcs8 = /^-----BEGIN ENCRYPTED PRIVATE KEY-----/m.test(pem);
  if (!isPkcs8 && !/^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    try {
      return createPrivateKey(pem);
    } catch {
      // No cause: what OpenSSL says about a text that was meant to be a key stays here.
      throw new PkiError("PKI_KEY_FILE", `${name} holds no private key in PEM form`);
    }
  }
  if (options.passphrase === undefined) {
    throw new PkiError("PKI_PASSPHRASE_REQUIRED", `${name} is encrypted: give its passphrase`);
  }
  const { passphrase } = options;
  const encryptedKey = isPkcs8 ? readEncryptedPkcs8(pem, name) : undefined;
  try {
    return createPrivateKey(
      encryptedKey === undefined
        ? { key: pem, passphrase }
        : { key: encryptedKey, format: "der", type: "pkcs8", passphrase },
    );
  } catch {
    throw new PkiError(
      "PKI_WRONG_PASSPHRASE",
      `the passphrase does not open ${name}, or the file is damaged`,
    );
  }
}

/** The DER of an encrypted key that asks for a bounded amount of work. */
function readEncryptedPkcs8(pem: string, name: string): Buffer {
  try {
    const [block] = decodePem(pem, "ENCRYPTED PRIVATE KEY");
    if (block === undefined) throw new PkiError("PKI_PEM_MALFORMED", "no block");
    assertQuickToDecrypt(block.der);
    return Buffer.from(block.der);
  } catch (cause) {
    if (!(cause instanceof PkiError)) throw cause;
    throw new PkiError("PKI_KEY_FILE", `${name} cannot be opened: ${cause.message}`, { cause });
  }
}

/**
 * PKCS#8 PEM. With a passphrase, RFC 5208 §6 with PBES2, PBKDF2-HMAC-SHA256 (600 000 iterations) and AES-256-CBC;
 * node:crypto's own writer would use 2048 iterations.
 *     EncryptedPrivateKeyInfo ::= SEQUENCE {
 *       encryptionAlgorithm  AlgorithmIdentifier,
 *       encryptedData        OCTET STRING }
 */
export function encodePrivateKey(key: KeyObject, options: PrivateKeyOptions = {}): string {
  const privateKeyInfo = key.export({ type: "pkcs8", format: "der" });
  try {
    if (options.passphrase === undefined) return encodePem("PRIVATE KEY", privateKeyInfo);
    if (options.passphrase === "") throw new RangeError("an empty passphrase protects nothing");
    const { algorithm, encrypted } = encryptPbes2(privateKeyInfo, options.passphrase);
    return encodePem("ENCRYPTED PRIVATE KEY", encode(sequence(algorithm, octetString(encrypted))));
  } finally {
    privateKeyInfo.fill(0);
  }
}

function generate(algorithm: KeyAlgorithm): KeyObject {
  switch (algorithm) {
    case "p256":
      return generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
    case "p384":
      return generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey;
    case "ed25519":
      return generateKeyPairSync("ed25519").privateKey;
    case "rsa:2048":
    case "rsa:3072":
    case "rsa:4096":
      return generateKeyPairSync("rsa", { modulusLength: Number(algorithm.slice(4)) }).privateKey;
    case "ml-dsa-44":
      return generateKeyPairSync("ml-dsa-44").privateKey;
    case "ml-dsa-65":
      return generateKeyPairSync("ml-dsa-65").privateKey;
  }
}
