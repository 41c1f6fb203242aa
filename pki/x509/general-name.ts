import { decodeObjectIdentifier } from "../der/object-identifier.ts";
import type { DerReader } from "../der/reader.ts";
import { contextConstructed, contextPrimitive } from "../der/tag.ts";
import {
  type DerNode,
  encoded,
  explicit,
  ia5String,
  implicit,
  objectIdentifier,
  octetString,
  sequence,
} from "../der/writer.ts";
import { PkiError } from "../errors.ts";
import { Name } from "./name.ts";
import { decodeIa5 } from "./text.ts";

/**
 * RFC 5280 §4.2.1.6
 *     GeneralName ::= CHOICE {
 *       otherName                 [0]  OtherName,
 *       rfc822Name                [1]  IA5String,
 *       dNSName                   [2]  IA5String,
 *       x400Address               [3]  ORAddress,
 *       directoryName             [4]  Name,
 *       ediPartyName              [5]  EDIPartyName,
 *       uniformResourceIdentifier [6]  IA5String,
 *       iPAddress                 [7]  OCTET STRING,
 *       registeredID              [8]  OBJECT IDENTIFIER }
 *     OtherName ::= SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY DEFINED BY type-id }
 */
export type GeneralName =
  | { readonly type: "otherName"; readonly typeId: string; readonly value: Uint8Array }
  | { readonly type: "rfc822Name" | "dNSName" | "uniformResourceIdentifier"; readonly value: string }
  | { readonly type: "directoryName"; readonly value: Name }
  | { readonly type: "iPAddress"; readonly value: Uint8Array }
  | { readonly type: "registeredID"; readonly value: string }
  | { readonly type: "x400Address" | "ediPartyName"; readonly value: Uint8Array };

/** Where the name stands: a constraint's address carries a mask, and its names may be shorter (§4.2.1.10). */
export type GeneralNameUse = "name" | "constraint";

export function readGeneralName(reader: DerReader, use: GeneralNameUse = "name"): GeneralName {
  const what = use === "name" ? "GeneralName" : "GeneralSubtree base";
  switch (reader.tag) {
    case contextConstructed(0): {
      const otherName = reader.enter(contextConstructed(0), "otherName");
      const typeId = otherName.objectIdentifier("OtherName type-id");
      const wrapped = otherName.enter(contextConstructed(0), "OtherName value");
      const value = wrapped.any("OtherName value");
      wrapped.end("OtherName value");
      otherName.end("OtherName");
      return { type: "otherName", typeId, value };
    }
    case contextPrimitive(1):
      return { type: "rfc822Name", value: readIa5(reader, 1, "rfc822Name", use) };
    case contextPrimitive(2):
      return { type: "dNSName", value: readIa5(reader, 2, "dNSName", use) };
    case contextConstructed(3):
      return { type: "x400Address", value: reader.any("x400Address") };
    case contextConstructed(4): {
      // A CHOICE cannot be tagged IMPLICIT, so this tag is EXPLICIT (X.680 §31.2.7).
      const wrapped = reader.enter(contextConstructed(4), "directoryName");
      const value = Name.read(wrapped);
      wrapped.end("directoryName");
      return { type: "directoryName", value };
    }
    case contextConstructed(5):
      return { type: "ediPartyName", value: reader.any("ediPartyName") };
    case contextPrimitive(6):
      return {
        type: "uniformResourceIdentifier",
        value: readIa5(reader, 6, "uniformResourceIdentifier", use),
      };
    case contextPrimitive(7): {
      const value = reader.read(contextPrimitive(7), "iPAddress");
      const scale = use === "name" ? 1 : 2;
      if (value.length !== 4 * scale && value.length !== 16 * scale) {
        throw new PkiError("PKI_DER_VALUE", `${what}: an iPAddress of ${value.length} octets`);
      }
      return { type: "iPAddress", value };
    }
    case contextPrimitive(8): {
      const content = reader.read(contextPrimitive(8), "registeredID");
      return { type: "registeredID", value: decodeObjectIdentifier(content) };
    }
    default:
      throw new PkiError("PKI_DER_TAG", `${what}: none of the nine kinds of name`);
  }
}

/** `GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName`, from a reader inside the SEQUENCE. */
export function readGeneralNames(names: DerReader): GeneralName[] {
  const list: GeneralName[] = [];
  do {
    if (list.length >= MAX_GENERAL_NAMES) throw new PkiError("PKI_DER_LIMIT", "too many names");
    list.push(readGeneralName(names));
  } while (!names.atEnd);
  return list;
}

/** Far beyond what any certificate needs; every name costs its reader time before anything is verified. */
export const MAX_GENERAL_NAMES = 1024;

export function generalName(name: GeneralName): DerNode {
  switch (name.type) {
    case "otherName":
      return implicit(0, sequence(objectIdentifier(name.typeId), explicit(0, encoded(name.value))));
    case "rfc822Name":
      return implicit(1, ia5String(name.value));
    case "dNSName":
      return implicit(2, ia5String(name.value));
    case "directoryName":
      return explicit(4, encoded(name.value.der));
    case "uniformResourceIdentifier":
      return implicit(6, ia5String(name.value));
    case "iPAddress":
      return implicit(7, octetString(name.value));
    case "registeredID":
      return implicit(8, objectIdentifier(name.value));
    case "x400Address":
    case "ediPartyName":
      return encoded(name.value);
  }
}

function readIa5(reader: DerReader, n: number, what: string, use: GeneralNameUse): string {
  const text = decodeIa5(reader.read(contextPrimitive(n), what), what);
  if (use === "name") {
    // RFC 5280 §4.2.1.6: a dNSName of " " MUST NOT be used; no space belongs in a URI or a host name.
    if (text === "" || (n !== 1 && text.includes(" ")))
      throw new PkiError("PKI_DER_VALUE", `${what}: empty or with a space`);
  }
  return text;
}
