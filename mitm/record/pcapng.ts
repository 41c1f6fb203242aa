import { addressesOf, maxPayload, tcpFlags, tcpPacket, udpPacket } from "./packets.ts";
import type { Flow, Packet, Recording, Step } from "./recorder.ts";

/** What the capture file holds of one case: an interface of its own, so that a reader can filter by the case. */
export interface Capture {
  /** Name of the interface: "G-CERT-05/dtls". */
  readonly name: string;
  /** "an expired certificate: held". */
  readonly description: string;
  readonly recording: Recording;
}

/** Blocks of pcapng (draft-ietf-opsawg-pcapng, "Section Header Block" and what follows). */
const blockTypes = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 0x00000001,
  enhancedPacket: 0x00000006,
  decryptionSecrets: 0x0000000a,
} as const;

/** The byte order that the section header announces is little-endian throughout. */
const byteOrderMagic = 0x1a2b3c4d;
/** LINKTYPE_RAW: a packet begins with its IPv4 or IPv6 header. */
const linkTypeRaw = 101;
/** "TLSK": lines of an SSLKEYLOGFILE. */
const secretsTls = 0x544c534b;
const options = {
  end: 0,
  comment: 1,
  userApplication: 4,
  interfaceName: 2,
  interfaceDescription: 3,
} as const;
/** An option's length is 16 bits; what people read need not be longer than this. */
const maxOptionBytes = 4096;
/** TCP segments are cut here, as large as a full TLS record. */
const maxSegment = 16_640;

/**
 * A capture file of everything that went over the sockets of the lab, in order of time, with the keys that decrypt it.
 * The lab has no access to the wire: bytes, times and addresses are what its sockets saw; IP headers, TCP's handshakes,
 * acknowledgements and FINs are written so that a reader can follow them, and the file says so.
 */
export function* pcapng(captures: readonly Capture[]): Generator<Uint8Array> {
  yield sectionHeader();
  const keyLog = keyLogOf(captures);
  // Keys must stand before the packets that they decrypt.
  if (keyLog !== "") yield decryptionSecrets(keyLog);
  for (const capture of captures) yield interfaceDescription(capture);
  const frames: Frame[] = [];
  let connections = 0;
  for (const [index, { name, recording }] of captures.entries()) {
    for (const { connection, flow, packets } of socketsOf(recording)) {
      connections += 1;
      const comments = commentsOf(packets, connection, recording, `${name}, connection ${connection}`);
      const conversation = {
        flow,
        packets,
        comments,
        serial: connections,
        closer: closerOf(recording, connection),
      };
      for (const frame of flow.protocol === "tcp" ? tcpFrames(conversation) : udpFrames(conversation)) {
        frames.push({ ...frame, interfaceId: index });
      }
    }
  }
  frames.sort((one, other) => one.time - other.time);
  for (const frame of frames) yield enhancedPacket(frame);
}

/** All key log lines of a run, each once. Empty where there is none. */
export function keyLogOf(captures: readonly { readonly recording: Recording }[]): string {
  const lines = new Set(captures.flatMap(({ recording }) => recording.keyLog));
  const sound = [...lines].filter((line) => /^[A-Z0-9_]+ [0-9a-fA-F]+ [0-9a-fA-F]+$/.test(line));
  return sound.map((line) => `${line}\n`).join("");
}

interface Recorded {
  readonly connection: number;
  readonly flow: Flow;
  readonly packets: readonly Packet[];
}

/**
 * The connections of a recording, each socket once: where one layer of the lab took a socket over from another, both
 * recorded it, and the one that saw more of its structure is kept.
 */
function socketsOf(recording: Recording): readonly Recorded[] {
  const kept: Recorded[] = [];
  for (const [connection, flow] of recording.flows) {
    const packets = recording.packets.filter((packet) => packet.connection === connection);
    const one = { connection, flow, packets };
    const twin = kept.findIndex((other) => sameFlow(other.flow, flow) && overlap(other.packets, packets));
    if (twin === -1) kept.push(one);
    else if (packets.length > (kept[twin]?.packets.length ?? 0)) kept[twin] = one;
  }
  return kept;
}

function sameFlow(one: Flow, other: Flow): boolean {
  return (
    one.protocol === other.protocol &&
    one.client.port === other.client.port &&
    one.server.port === other.server.port &&
    one.client.address === other.client.address &&
    one.server.address === other.server.address
  );
}

function overlap(one: readonly Packet[], other: readonly Packet[]): boolean {
  const begins = (packets: readonly Packet[]) => packets[0]?.time ?? Number.POSITIVE_INFINITY;
  const ends = (packets: readonly Packet[]) => packets.at(-1)?.time ?? Number.NEGATIVE_INFINITY;
  return begins(one) <= ends(other) && begins(other) <= ends(one);
}

interface Conversation {
  readonly flow: Flow;
  readonly packets: readonly Packet[];
  readonly comments: ReadonlyMap<Packet, string>;
  /** Counts the connections of the file: two on the same ports must not look like one. */
  readonly serial: number;
  readonly closer: "client" | "server";
}

interface Frame {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly bytes: Uint8Array;
  readonly comment?: string | undefined;
  readonly interfaceId: number;
}

type LooseFrame = Omit<Frame, "interfaceId">;

function* udpFrames({ flow, packets, comments }: Conversation): Generator<LooseFrame> {
  const addresses = addressesOf(flow);
  for (const packet of packets) {
    const payload = packet.bytes.subarray(0, maxPayload);
    yield {
      time: packet.time,
      bytes: udpPacket(flow, addresses, packet.from, payload),
      comment: comments.get(packet),
    };
  }
}

function* tcpFrames({ flow, packets, comments, serial, closer }: Conversation): Generator<LooseFrame> {
  const [first] = packets;
  const last = packets.at(-1);
  if (first === undefined || last === undefined) return;
  const addresses = addressesOf(flow);
  // RFC 9293 §3.4.1 wants initial sequence numbers that differ between connections on the same ports.
  const next = { client: Math.imul(serial, 0x9e3779b1) >>> 0, server: Math.imul(serial, 0x85ebca6b) >>> 0 };
  const nothing = new Uint8Array();
  const segment = (from: "client" | "server", flags: number, payload: Uint8Array = nothing) => {
    const peer = from === "client" ? "server" : "client";
    const acknowledgement = (flags & tcpFlags.ack) === 0 ? 0 : next[peer];
    const bytes = tcpPacket(flow, addresses, from, { sequence: next[from], acknowledgement, flags }, payload);
    const counted = (flags & (tcpFlags.syn | tcpFlags.fin)) === 0 ? 0 : 1;
    next[from] = (next[from] + payload.length + counted) >>> 0;
    return bytes;
  };
  yield { time: first.time, bytes: segment("client", tcpFlags.syn) };
  yield { time: first.time, bytes: segment("server", tcpFlags.syn | tcpFlags.ack) };
  yield { time: first.time, bytes: segment("client", tcpFlags.ack) };
  for (const packet of packets) {
    for (let at = 0; at < packet.bytes.length; at += maxSegment) {
      const payload = packet.bytes.subarray(at, at + maxSegment);
      const comment = at === 0 ? comments.get(packet) : undefined;
      yield { time: packet.time, bytes: segment(packet.from, tcpFlags.psh | tcpFlags.ack, payload), comment };
    }
  }
  const other = closer === "client" ? "server" : "client";
  yield { time: last.time, bytes: segment(closer, tcpFlags.fin | tcpFlags.ack) };
  yield { time: last.time, bytes: segment(other, tcpFlags.fin | tcpFlags.ack) };
  yield { time: last.time, bytes: segment(closer, tcpFlags.ack) };
}

/** Where the transcript names no end that closed, the client did. */
function closerOf(recording: Recording, connection: number): "client" | "server" {
  const closed = recording.steps.find(
    (step) => step.connection === connection && step.what.startsWith("closed"),
  );
  return closed === undefined ? "client" : endOf(closed);
}

function endOf(step: Step): "client" | "server" {
  if (step.from === "lab") return step.to === "device" ? "server" : "client";
  return step.from === "device" ? "client" : "server";
}

/** Names the connection at its first packet, and writes each step of the transcript to the packet nearest in time. */
function commentsOf(
  packets: readonly Packet[],
  connection: number,
  recording: Recording,
  name: string,
): ReadonlyMap<Packet, string> {
  const comments = new Map<Packet, string>();
  const [first] = packets;
  if (first !== undefined) comments.set(first, name);
  const { began } = recording;
  if (began === undefined) return comments;
  const sent = {
    client: packets.filter((packet) => packet.from === "client"),
    server: packets.filter((packet) => packet.from === "server"),
  };
  const cursor = { client: 0, server: 0 };
  for (const step of recording.steps) {
    if (step.connection !== connection || step.bytes === undefined) continue;
    const end = endOf(step);
    const list = sent[end];
    const distance = (at: number) =>
      Math.abs((list[at]?.time ?? Number.POSITIVE_INFINITY) - began - step.atMs);
    while (distance(cursor[end] + 1) < distance(cursor[end])) cursor[end] += 1;
    const packet = list[cursor[end]];
    if (packet === undefined) continue;
    const line = `${step.attack === true ? "ATTACK: " : ""}${step.what}${step.note === undefined ? "" : `, ${step.note}`}`;
    const before = comments.get(packet);
    comments.set(packet, before === undefined ? line : `${before}\n${line}`);
  }
  return comments;
}

function sectionHeader(): Uint8Array {
  const fixed = Buffer.alloc(16);
  fixed.writeUInt32LE(byteOrderMagic, 0);
  fixed.writeUInt16LE(1, 4);
  fixed.writeUInt16LE(0, 6);
  fixed.writeBigInt64LE(-1n, 8); // the length of the section is not given
  const comment =
    "Bytes, times and addresses are those of the lab's sockets. IP headers, TCP handshakes, acknowledgements and FINs " +
    "were written by the lab. Each case is an interface of its own: filter with frame.interface_name.";
  return block(blockTypes.sectionHeader, [
    fixed,
    option(options.comment, comment),
    option(options.userApplication, "sallyport mitm"),
    endOfOptions,
  ]);
}

function interfaceDescription({ name, description }: Capture): Uint8Array {
  const fixed = Buffer.alloc(8);
  fixed.writeUInt16LE(linkTypeRaw, 0);
  // A snap length of 0: no limit. Time stamps without if_tsresol are in microseconds.
  return block(blockTypes.interfaceDescription, [
    fixed,
    option(options.interfaceName, name),
    option(options.interfaceDescription, description),
    endOfOptions,
  ]);
}

function decryptionSecrets(keyLog: string): Uint8Array {
  const data = Buffer.from(keyLog, "latin1");
  const fixed = Buffer.alloc(8);
  fixed.writeUInt32LE(secretsTls, 0);
  fixed.writeUInt32LE(data.length, 4);
  return block(blockTypes.decryptionSecrets, [fixed, padded(data)]);
}

function enhancedPacket({ interfaceId, time, bytes, comment }: Frame): Uint8Array {
  const fixed = Buffer.alloc(20);
  const microseconds = BigInt(Math.max(0, Math.round(time * 1000)));
  fixed.writeUInt32LE(interfaceId, 0);
  fixed.writeUInt32LE(Number(microseconds >> 32n), 4);
  fixed.writeUInt32LE(Number(microseconds & 0xffffffffn), 8);
  fixed.writeUInt32LE(bytes.length, 12);
  fixed.writeUInt32LE(bytes.length, 16);
  const parts = [fixed, padded(bytes)];
  if (comment !== undefined) parts.push(option(options.comment, comment), endOfOptions);
  return block(blockTypes.enhancedPacket, parts);
}

/** A block: its type and its length, which stands at its end as well. */
function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = 12 + parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(length, 0);
  return Buffer.concat([head, ...parts, tail]);
}

function option(code: number, text: string): Uint8Array {
  let value = Buffer.from(text.toWellFormed().replaceAll("\0", "\uFFFD"));
  if (value.length > maxOptionBytes) {
    let end = maxOptionBytes;
    while (((value[end] ?? 0) & 0xc0) === 0x80) end -= 1; // not in the middle of a character
    value = value.subarray(0, end);
  }
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, padded(value)]);
}

const endOfOptions = Buffer.alloc(4);

function padded(bytes: Uint8Array): Uint8Array {
  return bytes.length % 4 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - (bytes.length % 4))]);
}
