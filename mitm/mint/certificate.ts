import { createPublicKey, hash, type KeyObject } from "node:crypto";
import { isIP } from "node:net";
import { Tag } from "../../pki/der/tag.ts";
import { encoded, explicit, integer, primitive, sequence, time } from "../../pki/der/writer.ts";
import {
  Extension,
  type GeneralName,
  type KeyAlgorithm,
  keyIdentifierOf,
  makeExtension,
  Name,
  type NameFields,
  type RawExtension,
  randomSerialNumber,
} from "../../pki/index.ts";
import { ipAddressOctets } from "../../pki/x509/ip-address.ts";
import { newKey, type OddKey, type SignatureName } from "./algorithms.ts";
import { type Issuer, signedWith } from "./issuer.ts";

/** How a certificate is to differ from a good one. What is left out is as it should be. */
export interface CertificateOptions {
  readonly subject?: NameFields | Name;
  /** What it says its issuer is, where that is not the truth. */
  readonly issuerName?: NameFields | Name;
  /** Algorithm of a new key, or a private key to use. */
  readonly key?: KeyAlgorithm | OddKey | KeyObject;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Hex of the content octets, which need not be a good INTEGER. Default: 16 random octets. */
  readonly serialNumber?: string;
  /** Version 1 has no extensions. */
  readonly version?: 1 | 3;
  /** Added; an extension of the same OID takes the place of the default one. */
  readonly extensions?: readonly RawExtension[];
  /** Default extensions to leave out. */
  readonly without?: ReadonlyArray<keyof typeof Extension>;
  /** Default: what fits the issuer's key. */
  readonly signature?: SignatureName;
  /** Signs in place of the issuer: a forgery. */
  readonly signWith?: KeyObject;
  /** Flips a bit of the signature. */
  readonly corrupt?: boolean;
  /** DER; stands for the subject's real SubjectPublicKeyInfo. */
  readonly subjectPublicKeyInfo?: Uint8Array;
}

export interface MadeCertificate {
  readonly der: Uint8Array;
  readonly key: KeyObject;
  readonly name: Name;
}

/** Times around which certificates are made, ms since 1970: all of them are short-lived. */
function lifeAround(now: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(now - hour), notAfter: new Date(now + 23 * hour) };
}

export const hour = 3_600_000;

/**
 * A certificate from its fields, with nothing checked.
 * @param issuer undefined: signed by its own key
 */
export async function makeCertificate(
  issuer: Issuer | undefined,
  options: CertificateOptions,
  defaults: readonly RawExtension[],
): Promise<MadeCertificate> {
  const key = await keyOf(options.key);
  const publicKeyInfo = options.subjectPublicKeyInfo ?? publicKeyInfoOf(key);
  const subject = nameOf(options.subject ?? { CN: "unnamed" });
  const life = lifeAround(Date.now());
  const version = options.version ?? 3;
  const extensions = merge(
    [...keyIdentifiers(publicKeyInfo, issuer), ...defaults],
    options.extensions,
    options.without,
  );
  const serialNumber =
    options.serialNumber === undefined
      ? integer(randomSerialNumber())
      : primitive(Tag.INTEGER, Buffer.from(options.serialNumber, "hex"));
  const tbs: Parameters<Issuer["sign"]>[0] = (identifier) =>
    sequence(
      version === 1 ? undefined : explicit(0, integer(2)),
      serialNumber,
      identifier,
      encoded(nameOf(options.issuerName ?? issuer?.name ?? subject).der),
      sequence(time(options.notBefore ?? life.notBefore), time(options.notAfter ?? life.notAfter)),
      encoded(subject.der),
      encoded(publicKeyInfo),
      version === 1 || extensions.length === 0
        ? undefined
        : explicit(3, sequence(...extensions.map(makeExtension.extensionNode))),
    );
  const signWith = options.signWith ?? (issuer === undefined ? key : undefined);
  const der =
    signWith === undefined && issuer !== undefined
      ? await issuer.sign(tbs, options.signature)
      : signedWith(signWith ?? key, tbs, options.signature);
  return { der: options.corrupt === true ? corrupted(der) : der, key, name: subject };
}

/** The last octet is inside the signature, and of an ECDSA-Sig-Value inside its second INTEGER: the DER stays sound. */
function corrupted(der: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(der);
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
}

function keyIdentifiers(publicKeyInfo: Uint8Array, issuer: Issuer | undefined): RawExtension[] {
  const own = makeExtension.subjectKeyIdentifier(identifierOf(publicKeyInfo));
  if (issuer === undefined) return [own];
  return [own, makeExtension.authorityKeyIdentifier(identifierOf(issuer.publicKeyInfo))];
}

/** RFC 5280 §4.2.1.2 leaves the method open: of a key that `pki/` does not read, something unique. */
function identifierOf(publicKeyInfo: Uint8Array): Uint8Array {
  try {
    return keyIdentifierOf(publicKeyInfo);
  } catch {
    return hash("sha256", publicKeyInfo, "buffer").subarray(0, 20);
  }
}

export function caExtensions(pathLenConstraint: number | undefined): RawExtension[] {
  return [
    makeExtension.basicConstraints(
      pathLenConstraint === undefined ? { ca: true } : { ca: true, pathLenConstraint },
    ),
    makeExtension.keyUsage("keyCertSign", "cRLSign"),
  ];
}

export function leafExtensions(purpose: string, names: readonly GeneralName[]): RawExtension[] {
  return [
    makeExtension.basicConstraints({ ca: false }),
    makeExtension.keyUsage("digitalSignature"),
    makeExtension.extendedKeyUsage(purpose),
    ...(names.length === 0 ? [] : [makeExtension.subjectAltName(names)]),
  ];
}

/** A DNS name, or an IP address for what looks like one. */
export function serverNameOf(text: string): GeneralName {
  const octets = isIP(text) === 0 ? undefined : ipAddressOctets(text);
  return octets === undefined ? { type: "dNSName", value: text } : { type: "iPAddress", value: octets };
}

/** An extension with raw bytes; the default value is a NULL. */
export function rawExtension(
  oid: string,
  critical: boolean,
  value: Uint8Array = Uint8Array.of(5, 0),
): RawExtension {
  return { oid, critical, value };
}

function merge(
  defaults: readonly RawExtension[],
  added: readonly RawExtension[] = [],
  without: ReadonlyArray<keyof typeof Extension> = [],
): RawExtension[] {
  const dropped = new Set<string>([
    ...without.map((name) => Extension[name]),
    ...added.map(({ oid }) => oid),
  ]);
  return [...defaults.filter(({ oid }) => !dropped.has(oid)), ...added];
}

/** DER of the SubjectPublicKeyInfo of a private or public key, of whatever kind. */
export function publicKeyInfoOf(key: KeyObject): Uint8Array {
  return (key.type === "private" ? createPublicKey(key) : key).export({ type: "spki", format: "der" });
}

function nameOf(name: NameFields | Name): Name {
  return name instanceof Name ? name : Name.of(name);
}

async function keyOf(key: CertificateOptions["key"] = "p256"): Promise<KeyObject> {
  return typeof key === "string" ? newKey(key) : key;
}
