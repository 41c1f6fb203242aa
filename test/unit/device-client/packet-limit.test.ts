import fc from "fast-check";
import { generate } from "mqtt-packet";
import { expect, test } from "vitest";
import { PacketLimit } from "../../../device-client/packet-limit.ts";

function publish(size: number): Buffer {
  return generate({
    cmd: "publish",
    topic: "t",
    payload: Buffer.alloc(size),
    qos: 0,
    dup: false,
    retain: false,
  });
}

test("MQTT 3.1.1 §2.2.3: a packet at the limit passes, one octet more is refused at its fixed header", () => {
  const remaining = 3 + 500;
  new PacketLimit(remaining).check(publish(500));
  expect(() => new PacketLimit(remaining).check(publish(501).subarray(0, 3))).toThrow(
    /more than maxPacketBytes/,
  );
});

test("MQTT 3.1.1 §2.2.3: a remaining length of five octets is malformed", () => {
  const limit = new PacketLimit(2 ** 28);
  expect(() => limit.check(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]))).toThrow(/malformed/);
});

test("the largest length a header can state is refused without its body", () => {
  const limit = new PacketLimit(2 ** 20);
  expect(() => limit.check(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))).toThrow(/268435455/);
});

test("however the stream is cut, good packets pass and the bad one is found", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 8 });
  fc.assert(
    fc.property(sizes, fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }), (payloads, cuts) => {
      const good = Buffer.concat(payloads.map(publish));
      const limit = new PacketLimit(303);
      let at = 0;
      for (let turn = 0; at < good.length; turn++) {
        const step = cuts[turn % cuts.length] ?? 1;
        limit.check(good.subarray(at, at + step));
        at += step;
      }
      expect(() => limit.check(publish(301))).toThrow(/more than/);
    }),
  );
});
