import { DerReader } from "../../pki/der/reader.ts";
import { contextConstructed, Tag } from "../../pki/der/tag.ts";
import { encode, encoded, explicit, sequence } from "../../pki/der/writer.ts";
import { makeExtension, type RawExtension } from "../../pki/index.ts";
import type { Credential } from "../endpoint.ts";
import type { Issuer } from "./issuer.ts";

/*
 * Certificates that break the rules of their encoding. What is changed is signed afterwards, so that the signature fits
 * the bytes as they are.
 */

/** Edits a TBSCertificate, DER in, whatever out. */
export type TbsEdit = (tbs: Uint8Array) => Uint8Array;

/** The leaf of a credential with its TBSCertificate edited, and signed again by `issuer`. */
export function resigned({ chain }: Credential, issuer: Issuer, edit: TbsEdit): Promise<Uint8Array> {
  const tbs = DerReader.over(chain[0] ?? new Uint8Array())
    .sequence("Certificate")
    .any("TBSCertificate");
  return issuer.sign(() => encoded(edit(tbs)));
}

/** X.690 §10.1 wants the fewest octets for a length; here is one more. */
export const withLongLength: TbsEdit = (tbs) => {
  const octets = (tbs[1] ?? 0) & 0x7f;
  if ((tbs[1] ?? 0) < 0x80) throw new RangeError("a TBSCertificate of less than 128 octets");
  return Buffer.concat([Uint8Array.of(Tag.SEQUENCE, 0x80 | (octets + 1), 0), tbs.subarray(2)]);
};

/** One more extension, even if there is one of its kind. */
export function withExtension(extension: RawExtension): TbsEdit {
  return (tbs) => {
    const reader = DerReader.over(tbs).sequence("TBSCertificate");
    const fields: Uint8Array[] = [];
    while (reader.tag !== contextConstructed(3)) fields.push(reader.any("field"));
    const list = reader.enter(contextConstructed(3), "extensions").sequence("Extensions");
    const extensions: Uint8Array[] = [];
    while (!list.atEnd) extensions.push(list.any("Extension"));
    const longer = sequence(...extensions.map(encoded), makeExtension.extensionNode(extension));
    return encode(sequence(...fields.map(encoded), explicit(3, longer)));
  };
}

/** `der` with the one occurrence of some bytes replaced by others of the same length. Throws RangeError otherwise. */
export function replaced(der: Uint8Array, old: Uint8Array, by: Uint8Array): Uint8Array {
  const at = Buffer.from(der.buffer, der.byteOffset, der.length).indexOf(old);
  if (at < 0 || old.length !== by.length)
    throw new RangeError("the bytes to replace are not there, or longer");
  const copy = Uint8Array.from(der);
  copy.set(by, at);
  return copy;
}
