import { type DerReader, decode } from "../der/reader.ts";
import { Tag } from "../der/tag.ts";
import {
  type DerNode,
  encode,
  ia5String,
  objectIdentifier,
  printableString,
  sequence,
  setOf,
  utf8String,
} from "../der/writer.ts";
import { PkiError } from "../errors.ts";
import { sameBytes } from "../same-bytes.ts";
import { AttributeType } from "./oids.ts";
import { decodeText } from "./text.ts";

/** AttributeTypeAndValue; `value` is the text, or the DER of a value that is no character string. */
export interface NameAttribute {
  readonly type: string;
  readonly tag: number;
  readonly value: string | Uint8Array;
}

export type NameFields = Partial<Record<keyof typeof AttributeType, string>>;

/**
 * RFC 5280 §4.1.2.4
 *     Name ::= CHOICE { rdnSequence  RDNSequence }
 *     RDNSequence ::= SEQUENCE OF RelativeDistinguishedName
 *     RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
 *     AttributeTypeAndValue ::= SEQUENCE { type AttributeType, value AttributeValue }
 */
export class Name {
  readonly der: Uint8Array;
  readonly rdns: ReadonlyArray<readonly NameAttribute[]>;

  private constructor(der: Uint8Array, rdns: ReadonlyArray<readonly NameAttribute[]>) {
    this.der = der;
    this.rdns = rdns;
  }

  /** A name of one attribute per RDN, in the order given: `Name.of({ C: "CH", O: "Example", CN: "Root" })`. */
  static of(fields: NameFields): Name {
    const rdns: NameAttribute[][] = [];
    const encodedRdns: DerNode[] = [];
    for (const [short, value] of Object.entries(fields)) {
      const type = typeOids.get(short);
      if (type === undefined) throw new RangeError(`unknown name attribute: ${short}`);
      if (value === "" || value.includes("\0") || !value.isWellFormed()) {
        throw new RangeError(`${short}: a value that is empty, not Unicode, or holds a NUL`);
      }
      const encodedValue = attributeValue(short, value);
      encodedRdns.push(setOf(sequence(objectIdentifier(type), encodedValue)));
      rdns.push([{ type, tag: encodedValue.tag, value }]);
    }
    return new Name(encode(sequence(...encodedRdns)), rdns);
  }

  static fromDer(der: Uint8Array): Name {
    return decode(der, "Name", (reader) => Name.read(reader));
  }

  static read(reader: DerReader): Name {
    const rdnSequence = reader.sequence("Name");
    const der = reader.lastEncoded;
    const rdns: NameAttribute[][] = [];
    while (!rdnSequence.atEnd) {
      const set = rdnSequence.set("RelativeDistinguishedName");
      const attributes: NameAttribute[] = [];
      do attributes.push(readAttribute(set));
      while (!set.atEnd);
      rdns.push(attributes);
    }
    return new Name(der, rdns);
  }

  get isEmpty(): boolean {
    return this.rdns.length === 0;
  }

  /** The same bytes. RFC 5280 §7.1 would also ignore case and spaces; path validation decides what it needs. */
  equals(other: Name): boolean {
    return sameBytes(this.der, other.der);
  }

  /** Every value of an attribute type (an OID) that is text, in the order of the name. */
  values(type: string): string[] {
    return this.rdns.flat().flatMap((a) => (a.type === type && typeof a.value === "string" ? [a.value] : []));
  }

  /** RFC 4514: last RDN first. For people; nothing here reads it back. */
  toString(): string {
    return this.rdns
      .toReversed()
      .map((rdn) => rdn.map((a) => `${shortNames.get(a.type) ?? a.type}=${escapeValue(a.value)}`).join("+"))
      .join(",");
  }
}

const typeOids: ReadonlyMap<string, string> = new Map(Object.entries(AttributeType));
const shortNames: ReadonlyMap<string, string> = new Map(
  Object.entries(AttributeType).map(([short, oid]) => [oid, short]),
);

function attributeValue(short: string, value: string): DerNode {
  // RFC 5280 Appendix A: PrintableString for these two, IA5String for these two, UTF8String otherwise.
  if (short === "C" || short === "serialNumber") return printableString(value);
  if (short === "DC" || short === "emailAddress") return ia5String(value);
  return utf8String(value);
}

const characterStrings: ReadonlySet<number> = new Set([
  Tag.UTF8_STRING,
  Tag.PRINTABLE_STRING,
  Tag.IA5_STRING,
  Tag.TELETEX_STRING,
  Tag.BMP_STRING,
]);

function readAttribute(set: DerReader): NameAttribute {
  const attribute = set.sequence("AttributeTypeAndValue");
  const type = attribute.objectIdentifier("AttributeType");
  const tag = attribute.tag;
  const value = characterStrings.has(tag)
    ? decodeText(tag, attribute.read(tag, "AttributeValue"), "AttributeValue")
    : attribute.any("AttributeValue");
  attribute.end("AttributeTypeAndValue");
  if (value.length === 0) throw new PkiError("PKI_DER_VALUE", "AttributeValue: an empty value");
  return { type, tag, value };
}

function escapeValue(value: string | Uint8Array): string {
  if (typeof value !== "string") return `#${Buffer.from(value).toString("hex")}`;
  return value
    .replace(/[",+;<>\\]/g, "\\$&")
    .replace(/^[ #]| $/g, "\\$&")
    .replace(/\p{C}/gu, (c) =>
      [...Buffer.from(c)].map((o) => `\\${o.toString(16).padStart(2, "0")}`).join(""),
    );
}
