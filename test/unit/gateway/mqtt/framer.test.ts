import fc from "fast-check";
import type { Packet } from "mqtt-packet";
import { expect, test } from "vitest";
import { Framer, type FramerFault } from "../../../../gateway/mqtt/framer.ts";
import { clientFirstByte } from "../../../../gateway/mqtt/packet.ts";
import { bytesOf, connectBytes, publishBytes, subscribeBytes } from "../../../support/mqtt-bytes.ts";

const limits = { packetBytes: 4096, connectBytes: 1024 };

interface Verdict {
  readonly fault: FramerFault | undefined;
  readonly packets: number;
  readonly publishes: number;
  readonly inPacket: boolean;
  readonly disconnected: boolean;
}

function judge(chunks: readonly Uint8Array[]): Verdict {
  const framer = new Framer(limits);
  let fault: FramerFault | undefined;
  for (const chunk of chunks) fault = framer.push(chunk);
  const { packets, publishes, inPacket, disconnected } = framer;
  return { fault, packets, publishes, inPacket: fault === undefined && inPacket, disconnected };
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [...ends, bytes.length].map((end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1], end));
}

const packet: fc.Arbitrary<Buffer> = fc.oneof(
  fc.string({ maxLength: 300 }).map((payload) => publishBytes("devices/a/up/x", payload, 1, 3)),
  fc.constant(subscribeBytes("devices/a/down/#", 1)),
  fc
    .constantFrom<Packet>(
      { cmd: "pingreq" },
      { cmd: "puback", messageId: 4 },
      { cmd: "pubrel", messageId: 4 },
      { cmd: "unsubscribe", messageId: 5, unsubscriptions: ["a"] },
    )
    .map(bytesOf),
);

const conversation = fc.tuple(fc.array(packet, { maxLength: 8 }), fc.boolean()).map(([packets, polite]) => ({
  packets: packets.length + 1 + (polite ? 1 : 0),
  publishes: packets.filter((bytes) => (bytes[0] ?? 0) >> 4 === 3).length,
  bytes: Buffer.concat([connectBytes("a"), ...packets, ...(polite ? [Buffer.from("e000", "hex")] : [])]),
}));

test("any split of a good conversation is good, and every packet is counted", () => {
  fc.assert(
    fc.property(
      conversation,
      fc.array(fc.nat(), { maxLength: 30 }),
      ({ bytes, packets, publishes }, cuts) => {
        const verdict = judge(split(bytes, cuts));
        expect(verdict).toMatchObject({ fault: undefined, packets, publishes, inPacket: false });
      },
    ),
  );
});

test("any split of any bytes gives the same verdict as the whole", () => {
  const hostile = fc.tuple(conversation, fc.nat(), fc.nat(255)).map(([{ bytes }, at, octet]) => {
    const bent = Buffer.from(bytes);
    bent[at % bent.length] = octet;
    return bent;
  });
  fc.assert(
    fc.property(
      fc.oneof(hostile, fc.uint8Array({ maxLength: 64 })),
      fc.array(fc.nat(), { maxLength: 30 }),
      (bytes, cuts) => {
        expect(judge(split(bytes, cuts))).toEqual(judge([bytes]));
      },
    ),
    { numRuns: 500 },
  );
});

test("every proper prefix of a good conversation is no fault, for the rest may come", () => {
  const bytes = Buffer.concat([
    connectBytes("a"),
    publishBytes("devices/a/up/x", "x", 1),
    subscribeBytes("a"),
  ]);
  for (let end = 0; end < bytes.length; end += 1)
    expect(judge([bytes.subarray(0, end)]).fault).toBeUndefined();
});

test("a packet over the limit is refused with its fixed header, before a byte of its body", () => {
  const header = Buffer.from("30fe1f", "hex");
  expect(judge([connectBytes("a"), header]).fault).toEqual({ reason: "packet_too_large" });
  // One byte fewer, header included, is the limit itself.
  expect(judge([connectBytes("a"), Buffer.from("30fd1f", "hex")]).fault).toBeUndefined();
  expect(judge([Buffer.from("10fe07", "hex")]).fault).toEqual({ reason: "packet_too_large" });
});

test("MQTT 3.1.1 §2.2.3: a fifth length byte is malformed where the limit would let it pass", () => {
  const framer = new Framer({ packetBytes: 2 ** 40, connectBytes: 2 ** 40 });
  expect(framer.push(Buffer.from("1080808080", "hex"))).toEqual({ reason: "malformed_packet" });
});

test("MQTT-3.14.4-2: bytes after DISCONNECT are a fault", () => {
  expect(judge([connectBytes("a"), Buffer.from("e000c000", "hex")]).fault).toEqual({
    reason: "protocol_error",
  });
});

test("MQTT 3.1.1 §2.2.2: exactly the first bytes of the table are taken", () => {
  const good = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => clientFirstByte[byte]);
  const publishes = [0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x3a, 0x3b, 0x3c, 0x3d];
  expect(good).toEqual(
    [0x10, ...publishes, 0x40, 0x50, 0x62, 0x70, 0x82, 0xa2, 0xc0, 0xe0].toSorted((a, b) => a - b),
  );
});

test("the end of the CONNECT is told, and only where it ends", () => {
  const bytes = Buffer.concat([connectBytes("a"), publishBytes("t", "x")]);
  const framer = new Framer(limits);
  framer.push(bytes.subarray(0, 5));
  expect(framer.connectEnd).toBeUndefined();
  framer.push(bytes.subarray(5));
  expect(framer.connectEnd).toBe(connectBytes("a").length - 5);
  framer.push(publishBytes("t", "x"));
  expect(framer.connectEnd).toBeUndefined();
});

test.each([
  ["PUBACK", "40020000"],
  ["PUBREC", "50020000"],
  ["PUBREL", "62020000"],
  ["PUBCOMP", "70020000"],
  ["SUBSCRIBE", "82080000000361626300"],
  ["UNSUBSCRIBE", "a20700000003616263"],
])("MQTT-2.3.1-1: packet identifier 0 in %s is a protocol error, however it is split", (_title, hex) => {
  const bytes = Buffer.concat([connectBytes("a"), Buffer.from(hex, "hex")]);
  for (let cut = bytes.length - 8; cut < bytes.length; cut += 1) {
    expect(judge([bytes.subarray(0, cut), bytes.subarray(cut)]).fault).toEqual({ reason: "protocol_error" });
  }
});

test.each([1, 256, 65_535])("MQTT-2.3.1-1: packet identifier %i is good", (messageId) => {
  const bytes = Buffer.concat([connectBytes("a"), bytesOf({ cmd: "puback", messageId })]);
  expect(judge([bytes])).toMatchObject({ fault: undefined, packets: 2 });
});

test.each(["4000", "400107", "6200", "8200", "a20100"])(
  "a packet %s without an identifier is malformed",
  (hex) => {
    const bytes = Buffer.concat([connectBytes("a"), Buffer.from(hex, "hex")]);
    expect(judge([bytes]).fault).toEqual({ reason: "malformed_packet" });
  },
);

test("MQTT-3.1.2-22: a password without a user name is a protocol error, however the CONNECT is split", () => {
  const connect = Buffer.concat([connectBytes("a"), Buffer.from("000178", "hex")]);
  connect[1] = (connect[1] ?? 0) + 3;
  const flagged = (flags: number) => {
    connect[9] = flags;
    return Array.from(connect, (octet) => Uint8Array.of(octet));
  };
  expect(judge(flagged(0x42)).fault).toEqual({ reason: "protocol_error" });
  expect(judge([connect]).fault).toEqual({ reason: "protocol_error" });
  expect(judge(flagged(0x82)).fault).toBeUndefined();
});
