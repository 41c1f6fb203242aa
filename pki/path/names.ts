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
