import { Tag } from "../der/tag.ts";
import { PkiError } from "../errors.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf16 = new TextDecoder("utf-16be", { fatal: true, ignoreBOM: true });

/** The text of a character string. A NUL is refused in all of them: what reads up to it would see another name. */
export function decodeText(tag: number, content: Uint8Array, what: string): string {
  const text = decodeCharacters(tag, content, what);
  if (text.includes("\0")) throw new PkiError("PKI_DER_VALUE", `${what}: a NUL in a name`);
  return text;
}

function decodeCharacters(tag: number, content: Uint8Array, what: string): string {
  switch (tag) {
    case Tag.UTF8_STRING:
      return decodeStrictly(utf8, content, what);
    case Tag.PRINTABLE_STRING: {
      const text = latin1(content);
      // "*", "@", "_" and "&" are outside X.680 §41.4 but common in what others issue; nothing here compares them.
      if (!/^[A-Za-z0-9 '()+,\-./:=?*@_&]*$/.test(text)) {
        throw new PkiError("PKI_DER_VALUE", `${what}: not a PrintableString`);
      }
      return text;
    }
    case Tag.IA5_STRING:
      return decodeIa5(content, what);
    case Tag.TELETEX_STRING:
      return latin1(content);
    case Tag.BMP_STRING:
      return decodeStrictly(utf16, content, what);
    default:
      throw new PkiError("PKI_DER_TAG", `${what}: a character string of an unknown type`);
  }
}

/** IA5String: ASCII, and no control characters, which no name needs. */
export function decodeIa5(content: Uint8Array, what: string): string {
  for (const octet of content) {
    if (octet < 0x20 || octet > 0x7e) {
      throw new PkiError("PKI_DER_VALUE", `${what}: an IA5String with a control character or beyond ASCII`);
    }
  }
  return latin1(content);
}

function latin1(content: Uint8Array): string {
  return Buffer.from(content.buffer, content.byteOffset, content.length).toString("latin1");
}

function decodeStrictly(decoder: TextDecoder, content: Uint8Array, what: string): string {
  try {
    return decoder.decode(content);
  } catch (cause) {
    throw new PkiError("PKI_DER_VALUE", `${what}: not ${decoder.encoding}`, { cause });
  }
}
