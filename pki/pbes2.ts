import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes } from "node:crypto";
import { type DerReader, decode } from "./der/reader.ts";
import { Tag } from "./der/tag.ts";
import { type DerNode, integer, nullValue, objectIdentifier, octetString, sequence } from "./der/writer.ts";
import { PkiError } from "./errors.ts";

const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const SCRYPT = "1.3.6.1.4.1.11591.4.11";
const HMAC_WITH_SHA256 = "1.2.840.113549.2.9";
const AES256_CBC = "2.16.840.1.101.3.4.1.42";

const digests: ReadonlyMap<string, string> = new Map([
  ["1.2.840.113549.2.7", "sha1"],
  [HMAC_WITH_SHA256, "sha256"],
  ["1.2.840.113549.2.10", "sha384"],
  ["1.2.840.113549.2.11", "sha512"],
]);
const ciphers: ReadonlyMap<string, { name: string; keyLength: number }> = new Map([
  ["2.16.840.1.101.3.4.1.2", { name: "aes-128-cbc", keyLength: 16 }],
  ["2.16.840.1.101.3.4.1.22", { name: "aes-192-cbc", keyLength: 24 }],
  [AES256_CBC, { name: "aes-256-cbc", keyLength: 32 }],
]);

/** What OWASP's password storage guide asks of PBKDF2-HMAC-SHA256. */
export const PBKDF2_ITERATIONS = 600_000;
/** A file chooses its iteration counts: beyond this sum (some seconds) the reader gives up. */
const MAX_ITERATIONS = 10_000_000;

/** What is left of MAX_ITERATIONS for one file, however many parts it encrypts. */
export class IterationBudget {
  #left = MAX_ITERATIONS;

  /** Throws PKI_PKCS12_UNSUPPORTED when less than that is left, or for a count below 1. */
  spend(iterations: number): void {
    if (iterations < 1 || iterations > this.#left) throw unsupported(`${iterations} iterations`);
    this.#left -= iterations;
  }
}

/**
 * Encrypts with PBES2, PBKDF2-HMAC-SHA256 and AES-256-CBC (RFC 8018 §6.2). The algorithm goes beside the bytes:
 *     PBES2-params ::= SEQUENCE { keyDerivationFunc AlgorithmIdentifier, encryptionScheme AlgorithmIdentifier }
 *     PBKDF2-params ::= SEQUENCE {
 *       salt            CHOICE { specified OCTET STRING, otherSource AlgorithmIdentifier },
 *       iterationCount  INTEGER (1..MAX),
 *       keyLength       INTEGER (1..MAX) OPTIONAL,
 *       prf             AlgorithmIdentifier DEFAULT algid-hmacWithSHA1 }
 */
export function encryptPbes2(
  plain: Uint8Array,
  passphrase: string,
  iterations: number = PBKDF2_ITERATIONS,
): { algorithm: DerNode; encrypted: Uint8Array } {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const key = pbkdf2Sync(passphrase, salt, iterations, 32, "sha256");
  const cipher = createCipheriv("aes-256-cbc", key, iv);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  key.fill(0);
  const keyDerivationFunc = sequence(
    objectIdentifier(PBKDF2),
    sequence(
      octetString(salt),
      integer(iterations),
      sequence(objectIdentifier(HMAC_WITH_SHA256), nullValue()),
    ),
  );
  const encryptionScheme = sequence(objectIdentifier(AES256_CBC), octetString(iv));
  return {
    algorithm: sequence(objectIdentifier(PBES2), sequence(keyDerivationFunc, encryptionScheme)),
    encrypted,
  };
}

/** The inverse, for an AlgorithmIdentifier that comes next in `reader`. AES in CBC mode with any HMAC-SHA. */
export function readPbes2(
  reader: DerReader,
  budget: IterationBudget,
): (encrypted: Uint8Array, passphrase: string) => Buffer {
  const algorithm = reader.sequence("encryptionAlgorithm");
  const oid = algorithm.objectIdentifier("algorithm");
  if (oid !== PBES2) throw unsupported(`encryption ${oid}; only PBES2 is read`);
  const parameters = algorithm.sequence("PBES2-params");
  algorithm.end("encryptionAlgorithm");

  const derivation = parameters.sequence("keyDerivationFunc");
  const derivationOid = derivation.objectIdentifier("algorithm");
  if (derivationOid !== PBKDF2) throw unsupported(`key derivation ${derivationOid}; only PBKDF2 is read`);
  const pbkdf2 = derivation.sequence("PBKDF2-params");
  derivation.end("keyDerivationFunc");
  const salt = pbkdf2.octetString("salt");
  const iterations = pbkdf2.smallInteger("iterationCount");
  budget.spend(iterations);
  const keyLength = pbkdf2.tag === Tag.INTEGER ? pbkdf2.smallInteger("keyLength") : undefined;
  let digest: string | undefined = "sha1";
  if (!pbkdf2.atEnd) {
    const prf = pbkdf2.sequence("prf");
    digest = digests.get(prf.objectIdentifier("prf"));
    // RFC 8018 Appendix B.1.2 wants NULL; GnuTLS leaves it out.
    if (!prf.atEnd) prf.null("prf parameters");
    prf.end("prf");
  }
  pbkdf2.end("PBKDF2-params");

  const scheme = parameters.sequence("encryptionScheme");
  const cipher = ciphers.get(scheme.objectIdentifier("algorithm"));
  const iv = cipher === undefined ? new Uint8Array(0) : scheme.octetString("iv");
  if (digest === undefined || cipher === undefined) throw unsupported("a PRF or cipher that is not known");
  scheme.end("encryptionScheme");
  parameters.end("PBES2-params");
  if (iv.length !== 16 || (keyLength !== undefined && keyLength !== cipher.keyLength)) {
    throw new PkiError("PKI_PKCS12_MALFORMED", "the key or initialisation vector has a wrong length");
  }
  const { name } = cipher;
  return (encrypted, passphrase) => {
    const key = pbkdf2Sync(passphrase, salt, iterations, cipher.keyLength, digest);
    try {
      const decipher = createDecipheriv(name, key, iv);
      return Buffer.concat([decipher.update(encrypted), decipher.final()]);
    } catch (cause) {
      throw new PkiError("PKI_WRONG_PASSPHRASE", "the passphrase does not open it", { cause });
    } finally {
      key.fill(0);
    }
  };
}

/**
 * Refuses an EncryptedPrivateKeyInfo (RFC 5208 §6) for node:crypto that would keep it busy: it computes whatever count
 * a file asks for. PBES1 and PBKDF2 have a count after the salt, scrypt three costs (RFC 7914 §7) that multiply.
 * Throws PKI_PKCS12_UNSUPPORTED, PKI_DER_*.
 */
export function assertQuickToDecrypt(encryptedPrivateKeyInfo: Uint8Array): void {
  decode(encryptedPrivateKeyInfo, "EncryptedPrivateKeyInfo", (reader) => {
    const info = reader.sequence("EncryptedPrivateKeyInfo");
    const algorithm = info.sequence("encryptionAlgorithm");
    let oid = algorithm.objectIdentifier("algorithm");
    let derivation = algorithm;
    if (oid === PBES2) {
      derivation = algorithm.sequence("PBES2-params").sequence("keyDerivationFunc");
      oid = derivation.objectIdentifier("algorithm");
    }
    new IterationBudget().spend(costOf(oid, derivation));
    info.octetString("encryptedData");
    info.end("EncryptedPrivateKeyInfo");
  });
}

/** `SEQUENCE { salt OCTET STRING, iterationCount INTEGER, ... }` in all three. */
function costOf(derivation: string, algorithm: DerReader): number {
  const parameters = algorithm.sequence("parameters");
  parameters.octetString("salt");
  const count = parameters.smallInteger("iterationCount");
  if (derivation !== SCRYPT) return count;
  return count * parameters.smallInteger("blockSize") * parameters.smallInteger("parallelizationParameter");
}

function unsupported(message: string): PkiError {
  return new PkiError("PKI_PKCS12_UNSUPPORTED", message);
}
