import { contextConstructed, Tag } from "../der/tag.ts";
import { encodeTime } from "../der/time.ts";
import {
  boolean,
  constructed,
  type DerNode,
  encode,
  encoded,
  enumerated,
  implicit,
  integer,
  namedBitList,
  objectIdentifier,
  octetString,
  primitive,
  sequence,
} from "../der/writer.ts";
import {
  type BasicConstraints,
  type KeyUsage,
  keyUsageBits,
  type NameConstraints,
  type RawExtension,
} from "./extensions.ts";
import { type GeneralName, generalName } from "./general-name.ts";
import { Extension } from "./oids.ts";

/** Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING } (RFC 5280 §4.1) */
export function extensionNode(extension: RawExtension): DerNode {
  return nodes.get(extension) ?? makeNode(extension);
}

/** The same extension, encoded once: for those that thousands of certificates share. */
export function prepared(extension: RawExtension): RawExtension {
  nodes.set(extension, encoded(encode(makeNode(extension))));
  return extension;
}

const nodes = new WeakMap<RawExtension, DerNode>();

function makeNode(extension: RawExtension): DerNode {
  return sequence(
    objectIdentifier(extension.oid),
    extension.critical ? boolean(true) : undefined,
    octetString(extension.value),
  );
}

export function basicConstraints({ ca, pathLenConstraint }: BasicConstraints): RawExtension {
  // RFC 5280 §4.2.1.9: CAs MUST mark it critical.
  return make(
    Extension.basicConstraints,
    true,
    sequence(
      ca ? boolean(true) : undefined,
      pathLenConstraint === undefined ? undefined : integer(pathLenConstraint),
    ),
  );
}

export function keyUsage(...usages: readonly KeyUsage[]): RawExtension {
  return make(Extension.keyUsage, true, namedBitList(usages.map((usage) => keyUsageBits.indexOf(usage))));
}

export function extendedKeyUsage(...purposes: readonly string[]): RawExtension {
  return make(Extension.extendedKeyUsage, false, sequence(...purposes.map(objectIdentifier)));
}

/** RFC 5280 §4.2.1.6: critical when the subject is empty. */
export function subjectAltName(names: readonly GeneralName[], critical = false): RawExtension {
  return make(Extension.subjectAltName, critical, sequence(...names.map(generalName)));
}

export function subjectKeyIdentifier(keyIdentifier: Uint8Array): RawExtension {
  return make(Extension.subjectKeyIdentifier, false, octetString(keyIdentifier));
}

export function authorityKeyIdentifier(keyIdentifier: Uint8Array): RawExtension {
  return make(Extension.authorityKeyIdentifier, false, sequence(implicit(0, octetString(keyIdentifier))));
}

/** RFC 5280 §4.2.1.10: MUST be critical. */
export function nameConstraints({ permittedSubtrees, excludedSubtrees }: NameConstraints): RawExtension {
  return make(
    Extension.nameConstraints,
    true,
    sequence(subtrees(0, permittedSubtrees), subtrees(1, excludedSubtrees)),
  );
}

/** RFC 6960 §4.2.2.2.1: a client does not check whether the responder's own certificate is revoked. */
export function ocspNoCheck(): RawExtension {
  return { oid: Extension.ocspNoCheck, critical: false, value: Uint8Array.of(Tag.NULL, 0) };
}

/** RFC 5280 §5.2.3: MUST NOT be critical; monotonic, at most 20 octets. */
export function cRLNumber(value: number | bigint): RawExtension {
  return make(Extension.cRLNumber, false, integer(value));
}

/** RFC 5280 §5.3.1 */
export function reasonCode(value: number): RawExtension {
  return make(Extension.reasonCode, false, enumerated(value));
}

/** RFC 5280 §5.3.2: a GeneralizedTime, whatever the year. */
export function invalidityDate(date: Date): RawExtension {
  return make(
    Extension.invalidityDate,
    false,
    primitive(Tag.GENERALIZED_TIME, encodeTime(date, Tag.GENERALIZED_TIME)),
  );
}

/**
 * RFC 5280 §5.2.5: one scope flag, for a CRL that covers only end-entity or only CA certificates.
 *     IssuingDistributionPoint ::= SEQUENCE { ...
 *       onlyContainsUserCerts  [1] BOOLEAN DEFAULT FALSE,
 *       onlyContainsCACerts    [2] BOOLEAN DEFAULT FALSE, ... }
 */
export function issuingDistributionPoint(
  scope: "onlyContainsUserCerts" | "onlyContainsCACerts",
): RawExtension {
  const n = scope === "onlyContainsUserCerts" ? 1 : 2;
  return make(Extension.issuingDistributionPoint, true, sequence(implicit(n, boolean(true))));
}

/** Any other extension, from its DER value. */
export function otherExtension(oid: string, critical: boolean, value: Uint8Array): RawExtension {
  return { oid, critical, value };
}

function make(oid: string, critical: boolean, value: DerNode): RawExtension {
  return { oid, critical, value: encode(value) };
}

function subtrees(n: number, bases: readonly GeneralName[]): DerNode | undefined {
  if (bases.length === 0) return undefined;
  return constructed(
    contextConstructed(n),
    bases.map((base) => sequence(generalName(base))),
  );
}
