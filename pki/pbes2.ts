import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes } from "node:crypto";
import type { DerReader } from "./der/reader.ts";
import { Tag } from "./der/tag.ts";
import { type DerNode, integer, nullValue, objectIdentifier, octetString, sequence } from "./der/writer.ts";
import { PkiError } from "./errors.ts";

const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
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
/** A file chooses the count: beyond this the reader gives up instead of computing for minutes. */
export const MAX_PBKDF2_ITERATIONS = 10_000_000;

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
export function readPbes2(reader: DerReader): (encrypted: Uint8Array, passphrase: string) => Buffer {
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
  if (iterations < 1 || iterations > MAX_PBKDF2_ITERATIONS)
    throw unsupported(`${iterations} PBKDF2 iterations`);
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

function unsupported(message: string): PkiError {
  return new PkiError("PKI_PKCS12_UNSUPPORTED", message);
}
