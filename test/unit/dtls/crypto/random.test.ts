import { expect, test } from "vitest";
import { randomBytes } from "../../../../dtls/crypto/random.ts";

test("each call has bytes of its own, as many as it asks for, which nobody had before", () => {
  const seen = new Set<string>();
  for (let round = 0; round < 200; round++) {
    for (const length of [8, 12, 32, 64, 100]) {
      const bytes = randomBytes(length);
      expect(bytes.length).toBe(length);
      // A view of what others are given would show them in here.
      expect(bytes.buffer.byteLength).toBe(length);
      seen.add(Buffer.from(bytes).toString("hex"));
    }
  }
  expect(seen.size).toBe(1000);
  // No run of zeros: what was handed out and wiped is not handed out again.
  expect([...seen].filter((bytes) => /(00){5}/.test(bytes))).toEqual([]);
});
