import fc from "fast-check";
import { expect, test } from "vitest";
import { Reassembly } from "../../../../dtls/handshake/reassembly.ts";
import type { HandshakeFragment } from "../../../../dtls/wire/handshake.ts";

const limits = { maxMessageBytes: 100, maxQueuedBytes: 1_000 };

/** Three messages, each cut in five; twice. */
const fragments: readonly HandshakeFragment[] = [0, 1, 2, 0, 1, 2].flatMap((messageSeq) =>
  [0, 20, 40, 60, 80].map((fragmentOffset) => ({
    msgType: 11 + messageSeq,
    length: 100,
    messageSeq,
    fragmentOffset,
    body: bodyOf(messageSeq).subarray(fragmentOffset, fragmentOffset + 20),
  })),
);

function bodyOf(messageSeq: number): Uint8Array {
  return Uint8Array.from({ length: 100 }, (_, index) => 100 * messageSeq + index);
}

test("RFC 6347 §4.2.2: the same messages come out, in their order, in whatever order fragments come, and repeated (E4)", () => {
  const anyOrder = fc.shuffledSubarray(fragments.slice(), { minLength: fragments.length });
  fc.assert(
    fc.property(anyOrder, (order) => {
      const reassembly = new Reassembly(limits, 0);
      const whole: unknown[] = [];
      for (const fragment of order) {
        expect(["repeated_message", undefined]).toContain(reassembly.add(fragment));
        for (let next = reassembly.next(); next !== undefined; next = reassembly.next()) whole.push(next);
      }
      expect(whole).toEqual(
        [0, 1, 2].map((messageSeq) => ({ msgType: 11 + messageSeq, messageSeq, body: bodyOf(messageSeq) })),
      );
    }),
  );
});
