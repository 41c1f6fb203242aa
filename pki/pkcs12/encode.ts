import { hash, type KeyObject, randomBytes } from "node:crypto";
import { Tag } from "../der/tag.ts";
import {
  bmpString,
  constructed,
  type DerNode,
  encode,
  encoded,
  explicit,
  implicit,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
} from "../der/writer.ts";
import { encryptPbes2, PBKDF2_ITERATIONS } from "../pbes2.ts";
import type { Certificate } from "../x509/certificate.ts";
import { macDigests, pkcs12Mac } from "./mac.ts";
import { Pkcs12 } from "./oids.ts";

export interface Pkcs12Options {
  readonly privateKey: KeyObject;
  /** The key's own certificate first, then its issuers. */
  readonly certificates: readonly Certificate[];
  /** Not empty: it opens the private key. */
  readonly passphrase: string;
  /** What programs list the identity under. */
  readonly friendlyName?: string;
  /** Of PBKDF2 and of the MAC's key derivation. Default 600 000; less is sound only for a passphrase made at random. */
  readonly iterations?: number;
}

const MAC_DIGEST = "2.16.840.1.101.3.4.2.1";

/**
 * A PKCS#12 file for a key of any kind: key and certificates under PBES2 (PBKDF2-HMAC-SHA256, AES-256-CBC), and an
 * HMAC-SHA-256 over both. OpenSSL 1.1 and later, GnuTLS and Node open it. DER.
 *
 * RFC 7292 §4
 *     PFX ::= SEQUENCE {
 *       version   INTEGER {v3(3)}(v3,...),
 *       authSafe  ContentInfo,
 *       macData   MacData OPTIONAL }
 *     MacData ::= SEQUENCE {
 *       mac         DigestInfo,
 *       macSalt     OCTET STRING,
 *       iterations  INTEGER DEFAULT 1 }
 *     AuthenticatedSafe ::= SEQUENCE OF ContentInfo
 */
export function encodePkcs12(options: Pkcs12Options): Uint8Array {
  const { certificates, passphrase, iterations = PBKDF2_ITERATIONS } = options;
  const [leaf] = certificates;
  if (leaf === undefined) throw new RangeError("a PKCS#12 file needs the key's certificate");
  if (passphrase === "") throw new RangeError("an empty passphrase protects nothing");
  const attributes = bagAttributes(leaf, options.friendlyName);
  const certificateBags = certificates.map((certificate, i) =>
    safeBag(Pkcs12.certBag, certBag(certificate), i === 0 ? attributes : undefined),
  );
  const keyBag = safeBag(
    Pkcs12.pkcs8ShroudedKeyBag,
    shroudedKey(options.privateKey, passphrase, iterations),
    attributes,
  );
  const authenticatedSafe = encode(
    sequence(
      encryptedData(constructed(Tag.SEQUENCE, certificateBags), passphrase, iterations),
      data(sequence(keyBag)),
    ),
  );
  const digest = macDigests.get(MAC_DIGEST);
  if (digest === undefined) throw new Error("unreachable: SHA-256 is in the table");
  const salt = randomBytes(16);
  const mac = pkcs12Mac(digest, passphrase, salt, iterations, authenticatedSafe);
  const digestInfo = sequence(sequence(objectIdentifier(MAC_DIGEST), nullValue()), octetString(mac));
  return encode(
    sequence(
      integer(3),
      data(encoded(authenticatedSafe)),
      sequence(digestInfo, octetString(salt), integer(iterations)),
    ),
  );
}

/** `ContentInfo ::= SEQUENCE { contentType, content [0] EXPLICIT ANY }`, with the content an OCTET STRING. */
function data(content: DerNode): DerNode {
  return sequence(objectIdentifier(Pkcs12.data), explicit(0, octetString(content)));
}

/**
 * RFC 5652 §8
 *     EncryptedData ::= SEQUENCE { version INTEGER (0), encryptedContentInfo EncryptedContentInfo }
 *     EncryptedContentInfo ::= SEQUENCE {
 *       contentType                 OBJECT IDENTIFIER,
 *       contentEncryptionAlgorithm  AlgorithmIdentifier,
 *       encryptedContent            [0] IMPLICIT OCTET STRING OPTIONAL }
 */
function encryptedData(safeContents: DerNode, passphrase: string, iterations: number): DerNode {
  const { algorithm, encrypted } = encryptPbes2(encode(safeContents), passphrase, iterations);
  const contentInfo = sequence(objectIdentifier(Pkcs12.data), algorithm, implicit(0, octetString(encrypted)));
  return sequence(objectIdentifier(Pkcs12.encryptedData), explicit(0, sequence(integer(0), contentInfo)));
}

/** `SafeBag ::= SEQUENCE { bagId, bagValue [0] EXPLICIT ANY, bagAttributes SET OF PKCS12Attribute OPTIONAL }` */
function safeBag(bagId: string, value: DerNode, attributes: DerNode | undefined): DerNode {
  return sequence(objectIdentifier(bagId), explicit(0, value), attributes);
}

/** `CertBag ::= SEQUENCE { certId, certValue [0] EXPLICIT OCTET STRING }` */
function certBag({ der }: Certificate): DerNode {
  return sequence(objectIdentifier(Pkcs12.x509Certificate), explicit(0, octetString(der)));
}

/** `PKCS8ShroudedKeyBag ::= EncryptedPrivateKeyInfo` (RFC 5208 §6) */
function shroudedKey(privateKey: KeyObject, passphrase: string, iterations: number): DerNode {
  const privateKeyInfo = privateKey.export({ type: "pkcs8", format: "der" });
  const { algorithm, encrypted } = encryptPbes2(privateKeyInfo, passphrase, iterations);
  privateKeyInfo.fill(0);
  return sequence(algorithm, octetString(encrypted));
}

/** The same localKeyId on key and certificate says that they belong together. */
function bagAttributes(leaf: Certificate, friendlyName: string | undefined): DerNode {
  const localKeyId = octetString(hash("sha256", leaf.subjectPublicKeyInfo, "buffer"));
  const attributes = [sequence(objectIdentifier(Pkcs12.localKeyId), setOf(localKeyId))];
  if (friendlyName !== undefined) {
    attributes.push(sequence(objectIdentifier(Pkcs12.friendlyName), setOf(bmpString(friendlyName))));
  }
  return setOf(...attributes);
}
