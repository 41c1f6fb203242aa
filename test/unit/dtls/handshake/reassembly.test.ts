import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Reassembly } from "../../../../dtls/handshake/reassembly.ts";
import type { HandshakeFragment } from "../../../../dtls/wire/handshake.ts";

const limits = { maxMessageBytes: 1_000, maxQueuedBytes: 2_000 };

function fragment(messageSeq: number, whole: Uint8Array, start = 0, end = whole.length): HandshakeFragment {
  return {
    msgType: 11,
    length: whole.length,
    messageSeq,
    fragmentOffset: start,
    body: whole.subarray(start, end),
  };
}

const message = Uint8Array.from({ length: 100 }, (_, index) => index);

describe("RFC 6347 §4.2.2 and §4.2.3: messages come in the order of message_seq, however they were cut", () => {
  test("RFC 6347 §4.2.3: a receiver MUST handle overlapping fragments, in any order (R3.3, U6)", () => {
    const cut = fc
      .tuple(fc.nat(99), fc.nat(99))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1] as const);
    fc.assert(
      fc.property(fc.array(cut, { maxLength: 30 }), (cuts) => {
        const reassembly = new Reassembly(limits, 0);
        const missing = new Set(message.keys());
        for (const [start, end] of [...cuts, [0, 100] as const]) {
          expect(reassembly.next() === undefined).toBe(missing.size > 0);
          if (missing.size === 0) return;
          expect(reassembly.add(fragment(0, message, start, end))).toBeUndefined();
          for (let index = start; index < end; index++) missing.delete(index);
        }
        expect(reassembly.next()?.body).toEqual(message);
      }),
    );
  });

  test("RFC 6347 §4.2.2: what comes ahead waits, and comes out in turn (R3.2)", () => {
    const reassembly = new Reassembly(limits, 1);
    expect(reassembly.add(fragment(2, message))).toBeUndefined();
    expect(reassembly.next()).toBeUndefined();
    expect(reassembly.add(fragment(1, Uint8Array.of(9)))).toBeUndefined();
    expect(reassembly.next()?.body).toEqual(Uint8Array.of(9));
    expect(reassembly.next()?.messageSeq).toBe(2);
  });

  test("RFC 6347 §4.2.2: a message_seq below the next is discarded (R3.2)", () => {
    const reassembly = new Reassembly(limits, 3);
    expect(reassembly.add(fragment(2, message))).toBe("repeated_message");
  });

  test("a message without a body is whole at once", () => {
    const reassembly = new Reassembly(limits, 0);
    expect(reassembly.add(fragment(0, new Uint8Array()))).toBeUndefined();
    expect(reassembly.next()?.body).toHaveLength(0);
  });
});

describe("what a peer can make us hold is bounded", () => {
  test("RFC 6347 §4.2.3: all fragments of a message name one type and one length (E1)", () => {
    const reassembly = new Reassembly(limits, 0);
    reassembly.add(fragment(0, message, 0, 10));
    expect(reassembly.add({ ...fragment(0, message, 10, 20), msgType: 12 })).toBe("inconsistent_fragment");
    expect(reassembly.add({ ...fragment(0, message, 10, 20), length: 99 })).toBe("inconsistent_fragment");
    expect(reassembly.add(fragment(0, message, 10, 100))).toBeUndefined();
    expect(reassembly.next()?.body).toEqual(message);
  });

  test("a declared length above the limit is refused before anything is allocated (E2)", () => {
    const reassembly = new Reassembly(limits, 0);
    const huge = { ...fragment(0, message, 0, 10), length: 1_001 };
    expect(reassembly.add(huge)).toBe("message_too_large");
  });

  test("messages ahead of their turn take no more than the limit together (E2)", () => {
    const reassembly = new Reassembly(limits, 0);
    const large = new Uint8Array(1_000);
    expect(reassembly.add(fragment(1, large, 0, 1))).toBeUndefined();
    expect(reassembly.add(fragment(2, large, 0, 1))).toBeUndefined();
    expect(reassembly.add(fragment(3, large, 0, 1))).toBe("queue_full");
    reassembly.dropQueued();
    expect(reassembly.add(fragment(3, large, 0, 1))).toBeUndefined();
  });

  test("messages ahead of their turn make room for the one whose turn it is, and only for that one (E2)", () => {
    const reassembly = new Reassembly(limits, 0);
    const large = new Uint8Array(1_000);
    reassembly.add(fragment(8, large, 0, 1));
    reassembly.add(fragment(9, large, 0, 1));
    expect(reassembly.add(fragment(1, message))).toBe("queue_full");
    expect(reassembly.add(fragment(0, message))).toBeUndefined();
    expect(reassembly.next()?.body).toEqual(message);
    expect(reassembly.add(fragment(1, message))).toBeUndefined();
  });

  test("a number far ahead is no honest one (E2)", () => {
    const reassembly = new Reassembly(limits, 0);
    expect(reassembly.add(fragment(11, message))).toBe("message_too_far_ahead");
  });

  test("overlapping fragments that differ are refused, and what came first stays (E3)", () => {
    const reassembly = new Reassembly(limits, 0);
    reassembly.add(fragment(0, message, 0, 50));
    const other = Uint8Array.from(message, (byte) => byte ^ 1);
    expect(reassembly.add(fragment(0, other, 40, 100))).toBe("inconsistent_fragment");
    reassembly.add(fragment(0, message, 50, 100));
    expect(reassembly.next()?.body).toEqual(message);
  });

  test("a fragment that is there already costs one look at what is there, not a sort (E2)", () => {
    const reassembly = new Reassembly({ ...limits, maxMessageBytes: 10_000, maxQueuedBytes: 10_000 }, 0);
    const large = new Uint8Array(10_000);
    for (let at = 0; at < 510; at += 2) reassembly.add(fragment(0, large, at, at + 1));
    // 5000 of them fit into a datagram: each is compared with the one range that it lies in, and nothing is sorted.
    const compared = vi.spyOn(Buffer, "compare");
    const rebuilt = (["toSorted", "sort", "filter"] as const).map((name) => vi.spyOn(Array.prototype, name));
    for (let nth = 0; nth < 100; nth += 1) reassembly.add(fragment(0, large, 400, 401));
    const calls = [compared, ...rebuilt].map(({ mock }) => mock.calls.length);
    vi.restoreAllMocks();
    expect(calls).toEqual([100, 0, 0, 0]);
  });

  test("a message in very many pieces is given up (E2)", () => {
    const reassembly = new Reassembly({ ...limits, maxMessageBytes: 10_000, maxQueuedBytes: 10_000 }, 0);
    const large = new Uint8Array(10_000);
    const reasons = new Set<string | undefined>();
    for (let at = 0; at < 10_000; at += 2) reasons.add(reassembly.add(fragment(0, large, at, at + 1)));
    expect(reasons).toContain("queue_full");
  });
});
