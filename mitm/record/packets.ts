import { isIPv4, isIPv6 } from "node:net";
import type { Flow } from "./recorder.ts";

/** Numbers of IP protocols. */
const TCP = 6;
const UDP = 17;

/** The largest payload of a packet whose length must fit 16 bits with its headers. */
export const maxPayload = 65_535 - 40 - 20;

/** Flags of RFC 9293 §3.1. */
export const tcpFlags = { fin: 0x01, syn: 0x02, psh: 0x08, ack: 0x10 } as const;

export interface TcpFields {
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
}

/** Both ends of a flow, as the bytes of their addresses: 4 each, or 16 each. */
export interface AddressPair {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
}

/**
 * The addresses of a flow as bytes, of one family. What is no address (a name that was never looked up) becomes one of
 * the block for documentation, RFC 5737.
 */
export function addressesOf(flow: Flow): AddressPair {
  const client = addressBytes(flow.client.address, 1);
  const server = addressBytes(flow.server.address, 2);
  if (client.length === server.length) return { client, server };
  return { client: mapped(client), server: mapped(server) };
}

/** An IP packet that carries a TCP segment, checksums included. */
export function tcpPacket(
  flow: Flow,
  addresses: AddressPair,
  from: "client" | "server",
  fields: TcpFields,
  payload: Uint8Array,
): Uint8Array {
  const segment = Buffer.alloc(20 + payload.length);
  const [source, destination] = from === "client" ? [flow.client, flow.server] : [flow.server, flow.client];
  segment.writeUInt16BE(source.port & 0xffff, 0);
  segment.writeUInt16BE(destination.port & 0xffff, 2);
  segment.writeUInt32BE(fields.sequence >>> 0, 4);
  segment.writeUInt32BE(fields.acknowledgement >>> 0, 8);
  segment.writeUInt16BE((5 << 12) | fields.flags, 12);
  segment.writeUInt16BE(65_535, 14);
  segment.set(payload, 20);
  return ipPacket(addresses, from, TCP, segment, 16);
}

/** An IP packet that carries a UDP datagram, checksums included. */
export function udpPacket(
  flow: Flow,
  addresses: AddressPair,
  from: "client" | "server",
  payload: Uint8Array,
): Uint8Array {
  const datagram = Buffer.alloc(8 + payload.length);
  const [source, destination] = from === "client" ? [flow.client, flow.server] : [flow.server, flow.client];
  datagram.writeUInt16BE(source.port & 0xffff, 0);
  datagram.writeUInt16BE(destination.port & 0xffff, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  datagram.set(payload, 8);
  return ipPacket(addresses, from, UDP, datagram, 6);
}

/** RFC 1071: the one's complement of the one's complement sum of 16-bit words. */
function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function ipPacket(
  addresses: AddressPair,
  from: "client" | "server",
  protocol: number,
  payload: Buffer,
  checksumAt: number,
): Uint8Array {
  const source = from === "client" ? addresses.client : addresses.server;
  const destination = from === "client" ? addresses.server : addresses.client;
  const checksum = internetChecksum(pseudoHeader(source, destination, protocol, payload.length), payload);
  // RFC 768: "If the computed checksum is zero, it is transmitted as all ones": zero would say that there is none.
  payload.writeUInt16BE(checksum === 0 && protocol === UDP ? 0xffff : checksum, checksumAt);
  const header =
    source.length === 4 ? ipv4Header(protocol, payload.length) : ipv6Header(protocol, payload.length);
  header.set(source, header.length - 2 * source.length);
  header.set(destination, header.length - source.length);
  if (source.length === 4) header.writeUInt16BE(internetChecksum(header), 10);
  return Buffer.concat([header, payload]);
}

/** RFC 9293 §3.1 for IPv4, RFC 8200 §8.1 for IPv6. */
function pseudoHeader(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  length: number,
): Uint8Array {
  const rest = Buffer.alloc(source.length === 4 ? 4 : 8);
  if (source.length === 4) {
    rest.writeUInt8(protocol, 1);
    rest.writeUInt16BE(length, 2);
  } else {
    rest.writeUInt32BE(length, 0);
    rest.writeUInt8(protocol, 7);
  }
  return Buffer.concat([source, destination, rest]);
}

function ipv4Header(protocol: number, length: number): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + length, 2);
  header.writeUInt16BE(0x4000, 6); // Don't Fragment
  header.writeUInt8(64, 8);
  header.writeUInt8(protocol, 9);
  return header;
}

function ipv6Header(protocol: number, length: number): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(length, 4);
  header.writeUInt8(protocol, 6);
  header.writeUInt8(64, 7);
  return header;
}

function addressBytes(address: string, host: number): Uint8Array {
  const [plain = ""] = address.split("%"); // the zone of a link-local address is not on the wire
  if (isIPv4(plain)) return Uint8Array.from(plain.split("."), Number);
  if (isIPv6(plain)) return unmapped(ipv6Bytes(plain));
  return Uint8Array.of(192, 0, 2, host);
}

function ipv6Bytes(address: string): Uint8Array {
  const bytes = Buffer.alloc(16);
  // URL writes an IPv6 address in groups of 16 bits, with dotted IPv4 tails resolved.
  const [left = "", right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string) =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  for (const [index, group] of groups(left).entries()) bytes.writeUInt16BE(group, 2 * index);
  const tail = groups(right ?? "");
  for (const [index, group] of tail.entries()) bytes.writeUInt16BE(group, 16 - 2 * (tail.length - index));
  return bytes;
}

const mappedPrefix = Buffer.from("00000000000000000000ffff", "hex");

/** RFC 4291 §2.5.5.2: "::ffff:127.0.0.1" is how an IPv6 socket names an IPv4 peer. */
function unmapped(address: Uint8Array): Uint8Array {
  return mappedPrefix.equals(address.subarray(0, 12)) ? address.subarray(12) : address;
}

function mapped(address: Uint8Array): Uint8Array {
  return address.length === 4 ? Buffer.concat([mappedPrefix, address]) : address;
}
