import { Tag } from "../der/tag.ts";
import type { Name, NameAttribute } from "../x509/name.ts";

type Rdn = readonly NameAttribute[];

/**
 * RFC 5280 §7.1: distinguished names compare attribute by attribute, text ignoring case and runs of spaces,
 * whichever of PrintableString and UTF8String it is written in; everything else byte by byte.
 */
export function nameKey(name: Name): string {
  return rdnKeys(name).join("\u0000");
}

export function sameName(a: Name, b: Name): boolean {
  return a.equals(b) || nameKey(a) === nameKey(b);
}

/** RFC 5280 §7.1: a name is within a subtree whose base is an initial part of its RDN sequence. */
export function isWithin(name: Name, base: Name): boolean {
  const rdns = rdnKeys(name);
  return rdnKeys(base).every((key, index) => rdns[index] === key);
}

// Names are immutable and looked at again for every candidate issuer and every constraint.
const known = new WeakMap<Name, readonly string[]>();

function rdnKeys(name: Name): readonly string[] {
  let keys = known.get(name);
  if (keys === undefined) known.set(name, (keys = name.rdns.map(rdnKey)));
  return keys;
}

/** An RDN is a SET: the order of its attributes says nothing. JSON keeps the parts apart whatever they contain. */
function rdnKey(rdn: Rdn): string {
  return JSON.stringify(
    rdn.map(({ type, tag, value }) => [type, ...valueKey(tag, value)].join("=")).toSorted(),
  );
}

function valueKey(tag: number, value: string | Uint8Array): string[] {
  if (typeof value !== "string") return [String(tag), Buffer.from(value).toString("hex")];
  if (!foldable.has(tag)) return [String(tag), value];
  const folded = value.normalize("NFKC").toLowerCase().replace(/\s+/gu, " ").trim();
  return ["text", folded];
}

const foldable: ReadonlySet<number> = new Set([Tag.PRINTABLE_STRING, Tag.UTF8_STRING, Tag.IA5_STRING]);
