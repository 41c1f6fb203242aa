import { createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { Tag } from "../../pki/der/tag.ts";
import {
  bitString,
  constructed,
  type DerNode,
  encode,
  encoded,
  explicit,
  integer,
  sequence,
  time,
} from "../../pki/der/writer.ts";
import {
  Certificate,
  CertificateList,
  ExtendedKeyUsage,
  Extension,
  encodePem,
  type GeneralName,
  type KeyAlgorithm,
  keyIdentifierOf,
  makeExtension,
  Name,
  type NameFields,
  type RawExtension,
} from "../../pki/index.ts";
import {
  defaultSignature,
  newKey,
  type OddKey,
  type Scheme,
  type SignatureName,
  signatures,
} from "./odd-algorithms.ts";

/*
 * Mints certificates and CRLs for tests, good ones by default and as wrong as a test wants:
 *
 *     const root = mintRoot();
 *     const ca = mintCa(root, { pathLenConstraint: 0 });
 *     const device = mintDevice(ca, "pump-1");                       // clientAuth, spiffe URI
 *     const gateway = mintServer(ca, ["gateway.example"]);           // serverAuth, dNSName
 *     const odd = mintDevice(ca, "x", { notAfter: daysFromNow(-1), without: ["extendedKeyUsage"],
 *                                       extensions: [rawExtension("1.2.3.4", true)] });
 *     const crl = mintCrl(ca, { revoked: [device] });
 *     device.certificate, device.der, device.pem, device.key, device.keyPem
 *
 * Everything is synchronous and nothing is validated. Times are around NOW, never the wall clock.
 */

/** The time that minted chains are valid at. */
export const NOW = new Date("2026-11-23T12:00:00Z");

export function daysFromNow(days: number): Date {
  return new Date(NOW.getTime() + days * 86_400_000);
}

export interface MintOptions {
  readonly subject?: NameFields | Name;
  /** What the certificate says its issuer is, where that is not the truth. */
  readonly issuerName?: NameFields | Name;
  /** Algorithm of a new key, or a private key to use. Default p256. RSA keys are made once per test process. */
  readonly key?: KeyAlgorithm | OddKey | KeyObject;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Hex. Default 16 random octets. */
  readonly serialNumber?: string;
  /** Version 1 has no extensions. */
  readonly version?: 1 | 3;
  /** Added; an extension of the same OID takes the place of the default one. */
  readonly extensions?: readonly RawExtension[];
  /** Default extensions to leave out. */
  readonly without?: ReadonlyArray<keyof typeof Extension>;
  /** Default: what fits the issuer's key (ECDSA by curve, RSA PKCS#1 with SHA-256, ...). */
  readonly signature?: SignatureName;
  /** Signs in place of the issuer's key: a forged certificate. */
  readonly signWith?: KeyObject;
  /** Flips a bit of the signature. */
  readonly corrupt?: boolean;
  /** Stands for the subject's real SubjectPublicKeyInfo. */
  readonly subjectPublicKeyInfo?: Uint8Array;
}

export interface CaOptions extends MintOptions {
  readonly pathLenConstraint?: number;
}

/** A minted certificate with its private key. */
export class Minted {
  readonly der: Uint8Array;
  readonly key: KeyObject;
  readonly name: Name;
  #certificate: Certificate | undefined;

  constructor(der: Uint8Array, key: KeyObject, name: Name) {
    this.der = der;
    this.key = key;
    this.name = name;
  }

  /** Throws PkiError for what the parser refuses. */
  get certificate(): Certificate {
    this.#certificate ??= Certificate.parse(this.der);
    return this.#certificate;
  }
  get pem(): string {
    return encodePem("CERTIFICATE", this.der);
  }
  get keyPem(): string {
    return this.key.export({ type: "pkcs8", format: "pem" });
  }
}

/** A self-signed CA. */
export function mintRoot(options: CaOptions = {}): Minted {
  return mint(undefined, { subject: { CN: "Test Root" }, ...options }, caExtensions(options));
}

/** A CA below another one. */
export function mintCa(issuer: Minted, options: CaOptions = {}): Minted {
  return mint(issuer, { subject: { CN: "Test Issuing CA" }, ...options }, caExtensions(options));
}

/** An end-entity certificate for clientAuth with one URI, `spiffe://sallyport.internal/device/<id>`. */
export function mintDevice(issuer: Minted | undefined, id: string, options: MintOptions = {}): Minted {
  const san: GeneralName[] = [
    { type: "uniformResourceIdentifier", value: `spiffe://sallyport.internal/device/${id}` },
  ];
  return mint(issuer, { subject: { CN: id }, ...options }, leafExtensions(ExtendedKeyUsage.clientAuth, san));
}

/** An end-entity certificate for serverAuth; names that look like an IPv4 address become iPAddress. */
export function mintServer(
  issuer: Minted | undefined,
  names: readonly string[] = ["gateway.example"],
  options: MintOptions = {},
): Minted {
  const san = names.map((name): GeneralName => {
    const octets = /^\d+\.\d+\.\d+\.\d+$/.test(name) ? Uint8Array.from(name.split("."), Number) : undefined;
    return octets ? { type: "iPAddress", value: octets } : { type: "dNSName", value: name };
  });
  const subject = { CN: names[0] ?? "gateway" };
  return mint(issuer, { subject, ...options }, leafExtensions(ExtendedKeyUsage.serverAuth, san));
}

/** An extension with raw bytes; the default value is a NULL. */
export function rawExtension(
  oid: string,
  critical: boolean,
  value: Uint8Array = Uint8Array.of(5, 0),
): RawExtension {
  return { oid, critical, value };
}

export interface CrlOptions {
  readonly revoked?: ReadonlyArray<Minted | string>;
  readonly issuerName?: NameFields | Name;
  readonly thisUpdate?: Date;
  /** null leaves it out. */
  readonly nextUpdate?: Date | null;
  readonly extensions?: readonly RawExtension[];
  /** On every entry. */
  readonly entryExtensions?: readonly RawExtension[];
  readonly signature?: SignatureName;
  readonly signWith?: KeyObject;
  readonly corrupt?: boolean;
}

/** A complete CRL of `issuer`. */
export function mintCrl(
  issuer: Minted,
  options: CrlOptions = {},
): { der: Uint8Array; pem: string; list: CertificateList } {
  const key = options.signWith ?? issuer.key;
  const scheme = signatures[options.signature ?? defaultSignature(key)];
  const revoked = (options.revoked ?? []).map((entry) =>
    sequence(
      integer(Buffer.from(typeof entry === "string" ? entry : entry.certificate.serialNumber, "hex")),
      time(daysFromNow(-1)),
      options.entryExtensions && sequence(...options.entryExtensions.map(makeExtension.extensionNode)),
    ),
  );
  const nextUpdate = options.nextUpdate === undefined ? daysFromNow(7) : options.nextUpdate;
  const defaults = [
    makeExtension.authorityKeyIdentifier(keyIdentifierOf(spkiOf(issuer.key))),
    makeExtension.cRLNumber(1),
  ];
  const extensions = merge(defaults, options.extensions, []);
  const tbs = sequence(
    integer(1),
    scheme.identifier,
    encoded(nameOf(options.issuerName ?? issuer.name).der),
    time(options.thisUpdate ?? daysFromNow(-1)),
    nextUpdate === null ? undefined : time(nextUpdate),
    revoked.length === 0 ? undefined : constructed(Tag.SEQUENCE, revoked),
    explicit(0, sequence(...extensions.map(makeExtension.extensionNode))),
  );
  const der = signed(tbs, scheme, key, options.corrupt);
  return { der, pem: encodePem("X509 CRL", der), list: CertificateList.parse(der) };
}

/** A certificate from its fields, with nothing added. */
function mint(
  issuer: Minted | undefined,
  options: MintOptions,
  defaults: readonly DefaultExtension[],
): Minted {
  const key = keyOf(options.key);
  const spki = options.subjectPublicKeyInfo ?? spkiOf(key);
  const subject = nameOf(options.subject ?? { CN: "unnamed" });
  const signingKey = options.signWith ?? issuer?.key ?? key;
  const issuerSpki = issuer === undefined ? spki : spkiOf(issuer.key);
  const scheme = signatures[options.signature ?? defaultSignature(signingKey)];
  const extensions = merge(
    defaults.map((extension) => extension({ spki, issuerSpki, hasIssuer: issuer !== undefined })).flat(),
    options.extensions,
    options.without ?? [],
  );
  const version = options.version ?? 3;
  const tbs = sequence(
    version === 1 ? undefined : explicit(0, integer(2)),
    constructed(Tag.INTEGER, [encoded(serialOf(options.serialNumber))]),
    scheme.identifier,
    encoded(nameOf(options.issuerName ?? issuer?.name ?? subject).der),
    sequence(time(options.notBefore ?? daysFromNow(-30)), time(options.notAfter ?? daysFromNow(60))),
    encoded(subject.der),
    encoded(spki),
    version === 1 || extensions.length === 0
      ? undefined
      : explicit(3, sequence(...extensions.map(makeExtension.extensionNode))),
  );
  return new Minted(signed(tbs, scheme, signingKey, options.corrupt), key, subject);
}

type DefaultExtension = (keys: {
  spki: Uint8Array;
  issuerSpki: Uint8Array;
  hasIssuer: boolean;
}) => RawExtension[];

const keyIdentifiers: DefaultExtension = ({ spki, issuerSpki, hasIssuer }) => [
  makeExtension.subjectKeyIdentifier(keyIdentifierOf(spki)),
  ...(hasIssuer ? [makeExtension.authorityKeyIdentifier(keyIdentifierOf(issuerSpki))] : []),
];

function caExtensions({ pathLenConstraint }: CaOptions): DefaultExtension[] {
  return [
    keyIdentifiers,
    () => [
      makeExtension.basicConstraints(
        pathLenConstraint === undefined ? { ca: true } : { ca: true, pathLenConstraint },
      ),
      makeExtension.keyUsage("keyCertSign", "cRLSign"),
    ],
  ];
}

function leafExtensions(purpose: string, san: readonly GeneralName[]): DefaultExtension[] {
  return [
    ({ issuerSpki }) => [
      makeExtension.authorityKeyIdentifier(keyIdentifierOf(issuerSpki)),
      makeExtension.keyUsage("digitalSignature"),
      makeExtension.extendedKeyUsage(purpose),
      ...(san.length === 0 ? [] : [makeExtension.subjectAltName(san)]),
    ],
  ];
}

function merge(
  defaults: readonly RawExtension[],
  added: readonly RawExtension[] = [],
  without: ReadonlyArray<keyof typeof Extension>,
): RawExtension[] {
  const dropped = new Set<string>([
    ...without.map((name) => Extension[name]),
    ...added.map(({ oid }) => oid),
  ]);
  return [...defaults.filter(({ oid }) => !dropped.has(oid)), ...added];
}

function spkiOf(privateKey: KeyObject): Uint8Array {
  return createPublicKey(privateKey).export({ type: "spki", format: "der" });
}

function nameOf(name: NameFields | Name): Name {
  return name instanceof Name ? name : Name.of(name);
}

function keyOf(key: MintOptions["key"] = "p256"): KeyObject {
  return typeof key === "string" ? newKey(key) : key;
}

/** The content octets as given, so that negative and padded serial numbers can be minted. */
function serialOf(hex: string | undefined): Uint8Array {
  if (hex !== undefined) return Buffer.from(hex, "hex");
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

function signed(tbs: DerNode, scheme: Scheme, key: KeyObject, corrupt = false): Uint8Array {
  const bytes = encode(tbs);
  const signature = Uint8Array.from(scheme.sign(bytes, key));
  // The last octet: inside the second INTEGER of an ECDSA-Sig-Value, so the DER stays sound.
  if (corrupt) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  return encode(sequence(encoded(bytes), scheme.identifier, bitString(signature)));
}
