import type { Address } from "../association/settings.ts";

/** Two addresses have the same key when they are the same. */
export function keyOf({ address, port }: Address): string {
  return `${address}|${port}`;
}

/**
 * Whom limits per host count as one: an IPv4 address, or the /64 that one IPv6 host can take addresses from as it
 * likes. An IPv4 peer of a dual-stack socket (::ffff:192.0.2.1) is the same as on an IPv4 socket.
 */
export function hostOf(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [groups = "", zone] = address.split("%");
  const [head = "", tail] = groups.split("::");
  const leading = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const trailing = tail === "" ? 0 : tail.split(":").length;
    for (let missing = 8 - leading.length - trailing; missing > 0; missing--) leading.push("0");
    leading.push(...tail.split(":"));
  }
  const prefix = leading.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${prefix.join(":")}::/64${zone === undefined ? "" : `%${zone}`}`;
}
