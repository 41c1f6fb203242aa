import { type DerReader, decode } from "../der/reader.ts";
import { contextConstructed, contextPrimitive, Tag } from "../der/tag.ts";
import { PkiError, type PkiErrorCode } from "../errors.ts";
import { type GeneralName, MAX_GENERAL_NAMES, readGeneralName, readGeneralNames } from "./general-name.ts";
import { Extension } from "./oids.ts";

/**
 * RFC 5280 §4.1
 *     Extension ::= SEQUENCE {
 *       extnID     OBJECT IDENTIFIER,
 *       critical   BOOLEAN DEFAULT FALSE,
 *       extnValue  OCTET STRING }
 */
export interface RawExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** RFC 5280 §4.2.1.3: KeyUsage ::= BIT STRING, its bits from 0 on. */
export const keyUsageBits = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
export type KeyUsage = (typeof keyUsageBits)[number];

export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLenConstraint?: number;
}

export interface NameConstraints {
  readonly permittedSubtrees: readonly GeneralName[];
  readonly excludedSubtrees: readonly GeneralName[];
}

/** The extensions that this code base reads. What is absent is undefined. */
export interface KnownExtensions {
  readonly basicConstraints?: BasicConstraints;
  readonly keyUsage?: ReadonlySet<KeyUsage>;
  readonly extendedKeyUsage?: readonly string[];
  readonly subjectAltName?: readonly GeneralName[];
  readonly nameConstraints?: NameConstraints;
  readonly authorityKeyIdentifier?: Uint8Array;
  readonly subjectKeyIdentifier?: Uint8Array;
}

const MAX_EXTENSIONS = 64;

/** `Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension` */
export function readExtensions(reader: DerReader, malformed: PkiErrorCode): RawExtension[] {
  const list = reader.sequence("Extensions");
  const extensions: RawExtension[] = [];
  const seen = new Set<string>();
  do {
    const extension = list.sequence("Extension");
    const oid = extension.objectIdentifier("extnID");
    const critical = extension.tag === Tag.BOOLEAN && extension.boolean("critical");
    // X.690 §11.5: a value equal to its DEFAULT is left out.
    if (!critical && extension.lastEncoded[0] === Tag.BOOLEAN) {
      throw new PkiError("PKI_DER_VALUE", "critical: a DEFAULT value that is written out");
    }
    const value = extension.octetString("extnValue");
    extension.end("Extension");
    // RFC 5280 §4.2: a certificate MUST NOT include more than one instance of a particular extension.
    if (seen.has(oid)) throw new PkiError(malformed, `extension ${oid} stands there twice`);
    if (extensions.length >= MAX_EXTENSIONS) throw new PkiError("PKI_DER_LIMIT", "too many extensions");
    seen.add(oid);
    extensions.push({ oid, critical, value });
  } while (!list.atEnd);
  return extensions;
}

export function readKnownExtensions(extensions: readonly RawExtension[]): KnownExtensions {
  const known: { -readonly [K in keyof KnownExtensions]: KnownExtensions[K] } = {};
  for (const { oid, value } of extensions) {
    switch (oid) {
      case Extension.basicConstraints:
        known.basicConstraints = decode(value, "BasicConstraints", readBasicConstraints);
        break;
      case Extension.keyUsage:
        known.keyUsage = decode(value, "KeyUsage", readKeyUsage);
        break;
      case Extension.extendedKeyUsage:
        known.extendedKeyUsage = decode(value, "ExtKeyUsageSyntax", readExtendedKeyUsage);
        break;
      case Extension.subjectAltName:
        known.subjectAltName = decode(value, "SubjectAltName", (r) =>
          readGeneralNames(r.sequence("SubjectAltName")),
        );
        break;
      case Extension.nameConstraints:
        known.nameConstraints = decode(value, "NameConstraints", readNameConstraints);
        break;
      case Extension.authorityKeyIdentifier: {
        const keyIdentifier = decode(value, "AuthorityKeyIdentifier", readAuthorityKeyIdentifier);
        if (keyIdentifier !== undefined) known.authorityKeyIdentifier = keyIdentifier;
        break;
      }
      case Extension.subjectKeyIdentifier:
        known.subjectKeyIdentifier = decode(value, "SubjectKeyIdentifier", (r) =>
          r.octetString("KeyIdentifier"),
        );
        break;
      default:
        break;
    }
  }
  return known;
}

/**
 * RFC 5280 §4.2.1.9
 *     BasicConstraints ::= SEQUENCE {
 *       cA                 BOOLEAN DEFAULT FALSE,
 *       pathLenConstraint  INTEGER (0..MAX) OPTIONAL }
 */
function readBasicConstraints(reader: DerReader): BasicConstraints {
  const fields = reader.sequence("BasicConstraints");
  const written = fields.tag === Tag.BOOLEAN;
  const ca = written && fields.boolean("cA");
  if (written && !ca) throw new PkiError("PKI_DER_VALUE", "cA: a DEFAULT value that is written out");
  const constraints: BasicConstraints = fields.atEnd
    ? { ca }
    : { ca, pathLenConstraint: fields.smallInteger("pathLenConstraint") };
  fields.end("BasicConstraints");
  // RFC 5280 §4.2.1.9: CAs MUST NOT include pathLenConstraint unless cA is asserted.
  if (!ca && constraints.pathLenConstraint !== undefined) {
    throw new PkiError("PKI_CERTIFICATE_MALFORMED", "pathLenConstraint without cA");
  }
  return constraints;
}

/** RFC 5280 §4.2.1.3: at least one of the bits MUST be set to 1. */
function readKeyUsage(reader: DerReader): ReadonlySet<KeyUsage> {
  const usages = new Set<KeyUsage>();
  for (const bit of reader.namedBitList("KeyUsage")) {
    const usage = keyUsageBits[bit];
    if (usage === undefined)
      throw new PkiError("PKI_CERTIFICATE_MALFORMED", `KeyUsage: bit ${bit} is not defined`);
    usages.add(usage);
  }
  if (usages.size === 0) throw new PkiError("PKI_CERTIFICATE_MALFORMED", "KeyUsage: no bit is set");
  return usages;
}

/** RFC 5280 §4.2.1.12: ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId */
function readExtendedKeyUsage(reader: DerReader): string[] {
  const list = reader.sequence("ExtKeyUsageSyntax");
  const purposes: string[] = [];
  do purposes.push(list.objectIdentifier("KeyPurposeId"));
  while (!list.atEnd);
  return purposes;
}

/**
 * RFC 5280 §4.2.1.10
 *     NameConstraints ::= SEQUENCE {
 *       permittedSubtrees  [0]  GeneralSubtrees OPTIONAL,
 *       excludedSubtrees   [1]  GeneralSubtrees OPTIONAL }
 *     GeneralSubtrees ::= SEQUENCE SIZE (1..MAX) OF GeneralSubtree
 *     GeneralSubtree ::= SEQUENCE {
 *       base     GeneralName,
 *       minimum  [0]  BaseDistance DEFAULT 0,
 *       maximum  [1]  BaseDistance OPTIONAL }
 */
function readNameConstraints(reader: DerReader): NameConstraints {
  const fields = reader.sequence("NameConstraints");
  const permittedSubtrees = readSubtrees(fields, 0);
  const excludedSubtrees = readSubtrees(fields, 1);
  fields.end("NameConstraints");
  if (permittedSubtrees.length + excludedSubtrees.length === 0) {
    throw new PkiError("PKI_CERTIFICATE_MALFORMED", "NameConstraints: an empty sequence");
  }
  return { permittedSubtrees, excludedSubtrees };
}

function readSubtrees(fields: DerReader, n: number): GeneralName[] {
  if (fields.tag !== contextConstructed(n)) return [];
  const list = fields.enter(contextConstructed(n), "GeneralSubtrees");
  const bases: GeneralName[] = [];
  do {
    if (bases.length >= MAX_GENERAL_NAMES) throw new PkiError("PKI_DER_LIMIT", "too many subtrees");
    const subtree = list.sequence("GeneralSubtree");
    bases.push(readGeneralName(subtree, "constraint"));
    // RFC 5280 §4.2.1.10: minimum MUST be zero, and maximum MUST be absent; DER leaves the zero out.
    if (!subtree.atEnd)
      throw new PkiError("PKI_CERTIFICATE_MALFORMED", "GeneralSubtree: minimum or maximum is set");
  } while (!list.atEnd);
  return bases;
}

/**
 * RFC 5280 §4.2.1.1
 *     AuthorityKeyIdentifier ::= SEQUENCE {
 *       keyIdentifier              [0] KeyIdentifier            OPTIONAL,
 *       authorityCertIssuer        [1] GeneralNames             OPTIONAL,
 *       authorityCertSerialNumber  [2] CertificateSerialNumber  OPTIONAL }
 */
export function readAuthorityKeyIdentifier(reader: DerReader): Uint8Array | undefined {
  const fields = reader.sequence("AuthorityKeyIdentifier");
  const keyIdentifier =
    fields.tag === contextPrimitive(0) ? fields.read(contextPrimitive(0), "keyIdentifier") : undefined;
  if (fields.tag === contextConstructed(1))
    readGeneralNames(fields.enter(contextConstructed(1), "authorityCertIssuer"));
  if (fields.tag === contextPrimitive(2)) fields.integer("authorityCertSerialNumber", contextPrimitive(2));
  fields.end("AuthorityKeyIdentifier");
  return keyIdentifier;
}
