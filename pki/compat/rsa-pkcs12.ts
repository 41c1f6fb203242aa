import { createPrivateKey, type KeyObject } from "node:crypto";
import forge from "node-forge";
import { PkiError } from "../errors.ts";
import { withBoundedIterations } from "./bounded-pbe.ts";

/**
 * PKCS#12 (RFC 7292) files that other programs made or want, for RSA keys only: the one job node-forge has here.
 * Nothing on the issuing, validating or TLS path comes through this file.
 */
export interface RsaIdentity {
  readonly privateKey: KeyObject;
  /** DER, in the order of the file; nothing about them has been checked. */
  readonly certificates: readonly Uint8Array[];
}

/** A CA with a long chain is a few kilobytes. */
const maxFileBytes = 1 << 20;
/** RFC 7292 §B.2 in plain JavaScript: about a microsecond per iteration. */
const maxMacIterations = 1_000_000;

/**
 * Opens a PKCS#12 file: PBES2 or the old PBE schemes, in DER or BER. Throws PKI_PASSPHRASE_REQUIRED,
 * PKI_WRONG_PASSPHRASE, PKI_PKCS12_MALFORMED, and PKI_PKCS12_UNSUPPORTED when it holds no RSA key, or several.
 */
export function readRsaPkcs12(file: Uint8Array, passphrase: string | undefined): RsaIdentity {
  if (passphrase === undefined) {
    throw new PkiError("PKI_PASSPHRASE_REQUIRED", "the PKCS#12 file is encrypted: give its passphrase");
  }
  const bags = openFile(readPfx(file), passphrase);
  const keys = bags.filter(({ type }) => keyBagTypes.has(type));
  const [key] = keys;
  if (keys.length !== 1 || key === undefined) {
    throw new PkiError(
      "PKI_PKCS12_UNSUPPORTED",
      `the PKCS#12 file holds ${keys.length} private keys: one is wanted`,
    );
  }
  if (key.key === undefined || key.key === null) {
    throw new PkiError(
      "PKI_PKCS12_UNSUPPORTED",
      "the private key in the PKCS#12 file is no RSA key: only RSA is imported",
    );
  }
  const pkcs1 = toBytes(forge.pki.privateKeyToAsn1(key.key));
  return {
    privateKey: createPrivateKey({ key: Buffer.from(pkcs1), format: "der", type: "pkcs1" }),
    certificates: bags.filter(({ type }) => type === oids.certBag).map(certificateBytes),
  };
}

export interface LegacyPkcs12 extends RsaIdentity {
  readonly passphrase: string;
  /** What a key store shows; ASCII. */
  readonly friendlyName?: string;
}

/**
 * Writes a PKCS#12 file as programs of the 2000s read it: 3DES (pbeWithSHAAnd3-KeyTripleDES-CBC) and a SHA-1 MAC.
 * Weak against guessing: only for tools that read nothing newer. Throws PKI_PKCS12_UNSUPPORTED for a key that is
 * not RSA, PKI_PASSPHRASE_REQUIRED for an empty passphrase.
 */
export function writeLegacyPkcs12({
  privateKey,
  certificates,
  passphrase,
  friendlyName,
}: LegacyPkcs12): Uint8Array {
  if (privateKey.asymmetricKeyType !== "rsa") {
    throw new PkiError(
      "PKI_PKCS12_UNSUPPORTED",
      "a legacy PKCS#12 file holds RSA keys only: leave the legacy option out",
    );
  }
  if (passphrase === "") {
    throw new PkiError("PKI_PASSPHRASE_REQUIRED", "a PKCS#12 file needs a passphrase that is not empty");
  }
  const keyInfo = forge.asn1.fromDer(toBinary(privateKey.export({ format: "der", type: "pkcs8" })));
  const shrouded = forge.pki.encryptPrivateKeyInfo(keyInfo, passphrase, {
    algorithm: "3des",
    count: legacyIterations,
  });
  const attributes = bagAttributes(certificates[0], friendlyName);
  const certBags = certificates.map((der, n) =>
    sequence(
      oid(oids.certBag),
      explicit(sequence(oid(oids.x509Certificate), explicit(octets(toBinary(der))))),
      ...(n === 0 ? [attributes] : []),
    ),
  );
  const keyBag = sequence(oid(oids.pkcs8ShroudedKeyBag), explicit(shrouded), attributes);
  const safe = sequence(data(sequence(...certBags)), data(sequence(keyBag)));
  return toBytes(sequence(integer(3), data(safe), macData(encoded(safe), passphrase)));
}

const legacyIterations = 2048;

type Bag = forge.pkcs12.Bag;
type Asn1 = forge.asn1.Asn1;

const oids = {
  data: "1.2.840.113549.1.7.1",
  sha1: "1.3.14.3.2.26",
  keyBag: "1.2.840.113549.1.12.10.1.1",
  pkcs8ShroudedKeyBag: "1.2.840.113549.1.12.10.1.2",
  certBag: "1.2.840.113549.1.12.10.1.3",
  x509Certificate: "1.2.840.113549.1.9.22.1",
  friendlyName: "1.2.840.113549.1.9.20",
  localKeyId: "1.2.840.113549.1.9.21",
} as const;
const keyBagTypes: ReadonlySet<string> = new Set([oids.keyBag, oids.pkcs8ShroudedKeyBag]);

/**
 * RFC 7292 §4
 *     PFX ::= SEQUENCE { version INTEGER {v3(3)}, authSafe ContentInfo, macData MacData OPTIONAL }
 *     MacData ::= SEQUENCE { mac DigestInfo, macSalt OCTET STRING, iterations INTEGER DEFAULT 1 }
 */
function readPfx(file: Uint8Array): Asn1 {
  if (file.length > maxFileBytes) throw malformed("it is larger than 1 MiB");
  let pfx: Asn1;
  try {
    pfx = forge.asn1.fromDer(toBinary(file));
  } catch (cause) {
    throw malformed("it is not DER or BER", cause);
  }
  const [, , mac] = children(pfx);
  // Without a MAC nothing tells an altered file from a good one.
  if (mac === undefined) throw malformed("it has no MAC, so its contents are not protected against change");
  const [, , iterations] = children(mac);
  if (iterations !== undefined) {
    const value: unknown = iterations.value;
    const count = typeof value === "string" ? Number.parseInt(forge.util.bytesToHex(value), 16) : Number.NaN;
    if (!(count >= 1 && count <= maxMacIterations))
      throw malformed("its MAC has an iteration count out of bounds");
  }
  return pfx;
}

function openFile(pfx: Asn1, passphrase: string): Bag[] {
  try {
    return withBoundedIterations(() =>
      forge.pkcs12.pkcs12FromAsn1(pfx, false, passphrase),
    ).safeContents.flatMap(({ safeBags }) => safeBags);
  } catch (cause) {
    if (cause instanceof PkiError) throw cause;
    const reason = cause instanceof Error ? cause.message : "";
    // The library has no codes: its MAC check is the one place where a wrong passphrase shows first.
    if (/password/i.test(reason)) {
      throw new PkiError("PKI_WRONG_PASSPHRASE", "the passphrase does not open the PKCS#12 file", { cause });
    }
    if (/unsupported|only pkcs#12|not supported/i.test(reason)) {
      const advice = "write it again with AES-256 and SHA-256";
      throw new PkiError(
        "PKI_PKCS12_UNSUPPORTED",
        `the PKCS#12 file uses something not known here: ${advice}`,
        { cause },
      );
    }
    throw malformed("its contents are damaged", cause);
  }
}

function certificateBytes(bag: Bag): Uint8Array {
  // A certificate that the library cannot read (an EC one in the chain) stays as it stood in the file.
  return toBytes(bag.cert ? forge.pki.certificateToAsn1(bag.cert) : bag.asn1);
}

function children(node: Asn1): Asn1[] {
  return Array.isArray(node.value) ? node.value : [];
}

function malformed(what: string, cause?: unknown): PkiError {
  return new PkiError("PKI_PKCS12_MALFORMED", `the PKCS#12 file cannot be read: ${what}`, { cause });
}

function macData(content: string, passphrase: string): Asn1 {
  const salt = forge.random.getBytesSync(8);
  const key = forge.pkcs12.generateKey(
    passphrase,
    forge.util.createBuffer(salt),
    macKeyId,
    legacyIterations,
    20,
  );
  const mac = forge.hmac.create();
  mac.start("sha1", key);
  mac.update(content);
  const digestInfo = sequence(sequence(oid(oids.sha1), nothing()), octets(mac.getMac().getBytes()));
  return sequence(digestInfo, octets(salt), integer(legacyIterations));
}

/** RFC 7292 §B.3: 3 derives a MAC key. */
const macKeyId = 3;

/** The same localKeyID on key and leaf tells a reader that they belong together. */
function bagAttributes(leaf: Uint8Array | undefined, friendlyName: string | undefined): Asn1 {
  const digest = forge.md.sha1
    .create()
    .update(toBinary(leaf ?? new Uint8Array()))
    .digest()
    .getBytes();
  const attributes = [attribute(oids.localKeyId, octets(digest))];
  if (friendlyName !== undefined) {
    // The library writes each character of a BMPString as two octets.
    const name = friendlyName.replaceAll(/[^\x20-\x7e]/g, "?");
    attributes.unshift(attribute(oids.friendlyName, node(forge.asn1.Type.BMPSTRING, name)));
  }
  return node(forge.asn1.Type.SET, attributes);
}

function attribute(type: string, value: Asn1): Asn1 {
  return sequence(oid(type), node(forge.asn1.Type.SET, [value]));
}

/** ContentInfo ::= SEQUENCE { contentType data, content [0] EXPLICIT OCTET STRING } */
function data(content: Asn1): Asn1 {
  return sequence(oid(oids.data), explicit(octets(encoded(content))));
}

function node(type: forge.asn1.Type, value: string | Asn1[]): Asn1 {
  return forge.asn1.create(forge.asn1.Class.UNIVERSAL, type, typeof value !== "string", value);
}

function sequence(...values: Asn1[]): Asn1 {
  return node(forge.asn1.Type.SEQUENCE, values);
}

function explicit(value: Asn1): Asn1 {
  return forge.asn1.create(forge.asn1.Class.CONTEXT_SPECIFIC, 0, true, [value]);
}

function oid(text: string): Asn1 {
  return node(forge.asn1.Type.OID, forge.asn1.oidToDer(text).getBytes());
}

function octets(value: string): Asn1 {
  return node(forge.asn1.Type.OCTETSTRING, value);
}

function integer(value: number): Asn1 {
  return node(forge.asn1.Type.INTEGER, forge.asn1.integerToDer(value).getBytes());
}

function nothing(): Asn1 {
  return node(forge.asn1.Type.NULL, "");
}

function encoded(value: Asn1): string {
  return forge.asn1.toDer(value).getBytes();
}

function toBytes(value: Asn1): Uint8Array {
  return new Uint8Array(Buffer.from(encoded(value), "latin1"));
}

function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
