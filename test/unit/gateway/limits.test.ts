import { expect, test } from "vitest";
import { defaultLimits, readLimits } from "../../../gateway/limits.ts";

test("what is not given has its default", () => {
  expect(readLimits({ packetBytes: 1000 })).toEqual({ ...defaultLimits, packetBytes: 1000 });
});

test.each([
  [{ packetByte: 1 }, "limits.packetByte"],
  [{ packetBytes: 0 }, "limits.packetBytes"],
  [{ packetBytes: 1.5 }, "limits.packetBytes"],
  [{ packetBytes: Number.POSITIVE_INFINITY }, "limits.packetBytes"],
  [{ packetBytes: 2 ** 28 + 5 }, "limits.packetBytes"],
  [{ tlsOverheadBytes: 32_767 }, "limits.tlsOverheadBytes"],
  [{ maximumKeepaliveSeconds: -1 }, "limits.maximumKeepaliveSeconds"],
  [{ topicLevels: 101 }, "limits.topicLevels"],
  [{ connections: -1 }, "limits.connections"],
  [JSON.parse('{"__proto__": 1}'), "limits.__proto__"],
  [{ toString: 1 }, "limits.toString"],
])("%j is refused", (given, path) => {
  expect(() => readLimits(given)).toThrow(expect.objectContaining({ code: "GATEWAY_OPTIONS_INVALID" }));
  expect(() => readLimits(given)).toThrow(path);
});
