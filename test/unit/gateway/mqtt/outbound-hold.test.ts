import fc from "fast-check";
import { expect, test } from "vitest";
import { OutboundHold } from "../../../../gateway/mqtt/outbound-hold.ts";
import { publishBytes } from "../../../support/mqtt-bytes.ts";

const connack = Buffer.from("20020100", "hex");

test("MQTT-3.2.0-1: whatever is written before the CONNACK, in whatever pieces, follows it in order", () => {
  const publishes = fc.array(fc.string({ maxLength: 200 }), { maxLength: 6 });
  fc.assert(
    fc.property(publishes, publishes, fc.array(fc.nat(), { maxLength: 20 }), (before, after, cuts) => {
      const packets = [before, after].map((all) => all.map((text) => publishBytes("t", text)));
      const [early = [], late = []] = packets;
      const bytes = Buffer.concat([...early, connack, ...late]);
      const ends = [...cuts.map((cut) => cut % bytes.length), bytes.length].toSorted((a, b) => a - b);
      const hold = new OutboundHold();
      let out = Buffer.alloc(0);
      let start = 0;
      for (const end of ends) {
        if (end === start) continue;
        out = Buffer.concat([out, hold.push(bytes.subarray(start, end)) ?? Buffer.alloc(0)]);
        start = end;
      }
      expect(out).toEqual(Buffer.concat([connack, ...early, ...late]));
      expect(hold.released).toBe(true);
      expect(hold.size).toBe(0);
    }),
  );
});

test("without a CONNACK nothing leaves, and what is held is counted", () => {
  const hold = new OutboundHold();
  const bytes = publishBytes("t", "x".repeat(100));
  expect(hold.push(bytes)).toBeUndefined();
  expect(hold.push(bytes.subarray(0, 10))).toBeUndefined();
  expect(hold.size).toBe(bytes.length + 10);
  expect(hold.released).toBe(false);
});
