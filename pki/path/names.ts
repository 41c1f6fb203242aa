import { isIPv4, isIPv6 } from "node:net";

/** Lower-cases ASCII only: `toLowerCase` would map other letters (the Kelvin sign) onto ASCII ones. */
export function normaliseDnsName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/**
 * A DNS name as RFC 1034 §3.5 writes it, in lower case, no trailing dot; `_` is let through because hosts in
 * private networks have it. IDNA names must come as A-labels. An all-numeric last label is an IPv4 look-alike.
 */
export function isDnsName(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false;
  const labels = name.split(".");
  if (/^[0-9]+$/.test(labels.at(-1) ?? "")) return false;
  return labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
}

/** The 4 or 16 octets of an IP literal; undefined when it is none (zone ids are refused). */
export function ipAddressBytes(literal: string): Uint8Array | undefined {
  if (isIPv4(literal)) return Uint8Array.from(literal.split("."), Number);
  if (!isIPv6(literal) || literal.includes("%")) return undefined;
  // RFC 4291 §2.2: the last 32 bits may be written as an IPv4 address.
  const dotted = /^(.*:)([0-9.]+\.[0-9.]+)$/.exec(literal);
  const hex = dotted ? `${dotted[1]}${ipv4AsGroups(dotted[2] ?? "")}` : literal;
  const [head = "", tail] = hex.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  return Uint8Array.from(
    groups.flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function ipv4AsGroups(dotted: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
