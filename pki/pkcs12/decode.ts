import { createPrivateKey, createPublicKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { type DerReader, decode } from "../der/reader.ts";
import { contextConstructed, contextPrimitive, Tag } from "../der/tag.ts";
import { PkiError } from "../errors.ts";
import { IterationBudget, readPbes2 } from "../pbes2.ts";
import { sameBytes } from "../same-bytes.ts";
import { Certificate } from "../x509/certificate.ts";
import { exportPublicKey } from "../x509/public-key.ts";
import { MAX_MAC_ITERATIONS, macDigests, pkcs12Mac } from "./mac.ts";
import { Pkcs12 } from "./oids.ts";

export interface Pkcs12Contents {
  readonly privateKey: KeyObject | undefined;
  /** The key's own certificate first, where there is one. */
  readonly certificates: readonly Certificate[];
}

interface Bags {
  readonly budget: IterationBudget;
  readonly keys: KeyObject[];
  readonly certificates: Certificate[];
}

const LIMITS = { maxBytes: 1024 * 1024 };

/**
 * Opens a PKCS#12 file that is DER, has a MAC and is encrypted with PBES2 (RFC 7292 §5). The older schemes (RC2,
 * 3DES) and BER are refused with PKI_PKCS12_UNSUPPORTED or PKI_DER_*. Throws PKI_WRONG_PASSPHRASE,
 * PKI_PKCS12_MALFORMED.
 */
export function decodePkcs12(der: Uint8Array, passphrase: string): Pkcs12Contents {
  const authenticatedSafe = decode(der, "PFX", (reader) => readPfx(reader, passphrase), LIMITS);
  const bags: Bags = { budget: new IterationBudget(), keys: [], certificates: [] };
  decode(
    authenticatedSafe,
    "AuthenticatedSafe",
    (reader) => {
      const safes = reader.sequence("AuthenticatedSafe");
      while (!safes.atEnd) {
        const safeContents = readSafe(safes, passphrase, bags.budget);
        decode(safeContents, "SafeContents", (inner) => readSafeContents(inner, passphrase, bags), LIMITS);
      }
    },
    LIMITS,
  );
  const [privateKey, ...otherKeys] = bags.keys;
  if (otherKeys.length > 0)
    throw new PkiError("PKI_PKCS12_UNSUPPORTED", "the file has more than one private key");
  return { privateKey, certificates: leafFirst(privateKey, bags.certificates) };
}

/** The contents of authSafe, once the MAC over them is right. */
function readPfx(reader: DerReader, passphrase: string): Uint8Array {
  const pfx = reader.sequence("PFX");
  if (pfx.smallInteger("version") !== 3) throw malformed("the version of a PKCS#12 file is 3");
  const authSafe = pfx.sequence("authSafe");
  const contents = readData(authSafe, authSafe.objectIdentifier("contentType"));
  authSafe.end("authSafe");
  if (pfx.atEnd) throw unsupported("the file has no MAC");
  const macData = pfx.sequence("MacData");
  pfx.end("PFX");
  const digestInfo = macData.sequence("DigestInfo");
  const algorithm = digestInfo.sequence("digestAlgorithm");
  const digest = macDigests.get(algorithm.objectIdentifier("algorithm"));
  if (!algorithm.atEnd) algorithm.null("parameters");
  algorithm.end("digestAlgorithm");
  const expected = digestInfo.octetString("digest");
  digestInfo.end("DigestInfo");
  const salt = macData.octetString("macSalt");
  const iterations = macData.atEnd ? 1 : macData.smallInteger("iterations");
  macData.end("MacData");
  if (digest === undefined) throw unsupported("the MAC's digest is not known");
  if (iterations < 1 || iterations > MAX_MAC_ITERATIONS) throw unsupported(`${iterations} MAC iterations`);
  const mac = pkcs12Mac(digest, passphrase, salt, iterations, contents);
  if (expected.length !== mac.length || !timingSafeEqual(expected, mac)) {
    throw new PkiError(
      "PKI_WRONG_PASSPHRASE",
      "the passphrase does not open the PKCS#12 file, or it is damaged",
    );
  }
  return contents;
}

function readSafe(safes: DerReader, passphrase: string, budget: IterationBudget): Uint8Array {
  const contentInfo = safes.sequence("ContentInfo");
  const contentType = contentInfo.objectIdentifier("contentType");
  const safeContents =
    contentType === Pkcs12.encryptedData
      ? readEncryptedData(contentInfo, passphrase, budget)
      : readData(contentInfo, contentType);
  contentInfo.end("ContentInfo");
  return safeContents;
}

function readData(contentInfo: DerReader, contentType: string): Uint8Array {
  if (contentType !== Pkcs12.data) throw unsupported(`content type ${contentType}`);
  const content = contentInfo.enter(contextConstructed(0), "content");
  const octets = content.octetString("content");
  content.end("content");
  return octets;
}

function readEncryptedData(contentInfo: DerReader, passphrase: string, budget: IterationBudget): Uint8Array {
  const content = contentInfo.enter(contextConstructed(0), "content");
  const encryptedData = content.sequence("EncryptedData");
  content.end("content");
  if (encryptedData.smallInteger("version") !== 0) throw malformed("the version of EncryptedData is 0");
  const info = encryptedData.sequence("EncryptedContentInfo");
  encryptedData.end("EncryptedData");
  if (info.objectIdentifier("contentType") !== Pkcs12.data) throw malformed("EncryptedData holds no data");
  const decrypt = readPbes2(info, budget);
  const encrypted = info.read(contextPrimitive(0), "encryptedContent");
  info.end("EncryptedContentInfo");
  return decrypt(encrypted, passphrase);
}

/** `SafeContents ::= SEQUENCE OF SafeBag`; bags of other kinds (CRLs, secrets) are passed over. */
function readSafeContents(reader: DerReader, passphrase: string, bags: Bags): void {
  const safeContents = reader.sequence("SafeContents");
  while (!safeContents.atEnd) {
    const bag = safeContents.sequence("SafeBag");
    const bagId = bag.objectIdentifier("bagId");
    const value = bag.enter(contextConstructed(0), "bagValue");
    if (!bag.atEnd) bag.read(Tag.SET, "bagAttributes");
    bag.end("SafeBag");
    if (bagId === Pkcs12.certBag) readCertBag(value, bags);
    else if (bagId === Pkcs12.pkcs8ShroudedKeyBag)
      bags.keys.push(readShroudedKey(value, passphrase, bags.budget));
    else if (bagId === Pkcs12.keyBag) bags.keys.push(importPrivateKey(value.any("PrivateKeyInfo")));
  }
}

function readCertBag(value: DerReader, bags: Bags): void {
  const certBag = value.sequence("CertBag");
  if (certBag.objectIdentifier("certId") !== Pkcs12.x509Certificate)
    throw unsupported("a certificate that is not X.509");
  const wrapped = certBag.enter(contextConstructed(0), "certValue");
  bags.certificates.push(Certificate.parse(wrapped.octetString("certValue")));
  wrapped.end("certValue");
  certBag.end("CertBag");
  value.end("bagValue");
}

function readShroudedKey(value: DerReader, passphrase: string, budget: IterationBudget): KeyObject {
  const info = value.sequence("EncryptedPrivateKeyInfo");
  value.end("bagValue");
  const decrypt = readPbes2(info, budget);
  const encrypted = info.octetString("encryptedData");
  info.end("EncryptedPrivateKeyInfo");
  const privateKeyInfo = decrypt(encrypted, passphrase);
  try {
    return importPrivateKey(privateKeyInfo);
  } finally {
    privateKeyInfo.fill(0);
  }
}

function importPrivateKey(privateKeyInfo: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(privateKeyInfo), format: "der", type: "pkcs8" });
  } catch {
    throw malformed("the private key cannot be read");
  }
}

function leafFirst(privateKey: KeyObject | undefined, certificates: readonly Certificate[]): Certificate[] {
  if (privateKey === undefined) return [...certificates];
  const subjectPublicKeyInfo = exportPublicKey(createPublicKey(privateKey));
  const isLeaf = (c: Certificate): boolean => sameBytes(c.subjectPublicKeyInfo, subjectPublicKeyInfo);
  return [...certificates.filter(isLeaf), ...certificates.filter((c) => !isLeaf(c))];
}

function malformed(message: string): PkiError {
  return new PkiError("PKI_PKCS12_MALFORMED", message);
}

function unsupported(message: string): PkiError {
  return new PkiError("PKI_PKCS12_UNSUPPORTED", message);
}
