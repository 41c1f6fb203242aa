import { describe, expect, test, vi } from "vitest";
import { DuelWithServer } from "../../../support/dtls/duel.ts";
import { handshakeIn, recordsIn } from "../../../support/dtls/inspect.ts";
import { type Fate, keyOf } from "../../../support/dtls/network.ts";
import { Pair } from "../../../support/dtls/pair.ts";
import { concat, fragmentBytes, withHeaderOf } from "../../../support/dtls/refragment.ts";

const refragmentations = [1, 7, 50, 200].flatMap((pieceBytes) =>
  [0, 1, 30].flatMap((overlapBytes) =>
    [false, true].flatMap((apart) =>
      [false, true].map((shuffle) => ({ pieceBytes, overlapBytes, apart, shuffle })),
    ),
  ),
);

describe("reassembly", () => {
  test.each(refragmentations)(
    "RFC 6347 §4.2.3: pieces of $pieceBytes bytes that overlap by $overlapBytes (apart: $apart, shuffled: $shuffle) (R3.3, U6)",
    (refragment) => {
      const pair = new Pair({ clientFaults: { refragment }, serverFaults: { refragment } }).handshake();
      expect(pair.established, String(pair.clientSession.error)).toBe(true);
      expect(pair.echo("hello")).toBe("hello");
    },
  );

  test("RFC 6347 §4.2.3: a retransmission that is cut at other places completes what came before (U6, R3.3)", () => {
    // Of each sending every second datagram is lost; the sizes of the pieces change with each sending.
    let sending = 0;
    const pair = new Pair({
      serverFaults: {
        fate: (bytes): Fate | undefined => {
          const pieces = handshakeIn(bytes).flatMap((fragment) => {
            const size = 40 + 13 * sending;
            sending += 1;
            const cut: Uint8Array[] = [];
            for (let offset = 0; offset < fragment.body.length || offset === 0; offset += size) {
              const part = fragment.body.subarray(offset, offset + size);
              const piece = fragmentBytes(fragment, fragment.fragmentOffset + offset, part);
              cut.push(withHeaderOf({ type: 22, version: 0xfefd, epoch: 0 }, 1000 + sending, piece));
            }
            return cut;
          });
          if (pieces.length === 0) return undefined;
          return { kind: "replace", datagrams: pieces.filter((_, index) => (index + sending) % 2 === 0) };
        },
      },
    }).handshake();
    expect(pair.established).toBe(true);
  });

  test("RFC 6347 §4.2.2: messages in any order are put in theirs (R3.2)", () => {
    const pair = new Pair({
      server: { mtu: 256 },
      client: { mtu: 256 },
      serverFaults: { reorder: 1, reorderMs: 200 },
      clientFaults: { reorder: 1, reorderMs: 200 },
    }).handshake();
    expect(pair.established).toBe(true);
    // Nothing was lost, so that nothing is sent twice.
    expect(pair.timesOf("server_hello_done")).toHaveLength(1);
    expect(pair.timesOf("encrypted handshake")).toHaveLength(2);
  });

  test.each([
    ["another length", { length: 1 }],
    ["another type", { msgType: 1 }],
  ] as const)("a fragment that says %s of the same message is dropped and counted (E1)", (_, change) => {
    const pair = new Pair({
      server: { mtu: 300 },
      serverFaults: {
        fate: (bytes): Fate | undefined => {
          const fragment = handshakeIn(bytes).find(({ msgType }) => msgType === 11);
          // Before the first piece of the certificate comes another one, and one that does not fit it.
          if (fragment?.fragmentOffset !== 0) return undefined;
          const start = { ...fragment };
          const odd = {
            ...fragment,
            length: fragment.length + ("length" in change ? change.length : 0),
            msgType: "msgType" in change ? change.msgType + 11 : fragment.msgType,
          };
          const record = { type: 22, version: 0xfefd, epoch: 0 };
          const first = withHeaderOf(record, 500, fragmentBytes(start, 0, start.body.subarray(0, 10)));
          const lie = withHeaderOf(record, 501, fragmentBytes(odd, 10, start.body.subarray(10, 20)));
          return { kind: "replace", datagrams: [first, lie, bytes] };
        },
      },
    }).handshake();
    expect(pair.clientSession.discarded).toContain("inconsistent_fragment");
    expect(pair.established).toBe(true);
  });

  test("a message that claims to be larger than the limit gets no memory, and harms nobody (E2)", () => {
    const pair = new Pair();
    const { from, to } = { from: pair.server.address, to: pair.client.address };
    pair.client.start();
    // From somebody who spoofs the server's address: the first fragment of 16 MB, under each of the next numbers.
    for (let messageSeq = 1; messageSeq < 20; messageSeq += 1) {
      const huge = fragmentBytes({ msgType: 11, length: 2 ** 24 - 1, messageSeq }, 0, new Uint8Array(100));
      pair.network.inject(from, to, withHeaderOf({ type: 22, version: 0xfefd, epoch: 0 }, messageSeq, huge));
    }
    const before = process.memoryUsage().arrayBuffers;
    pair.simulation.runUntil(() => pair.established, 60_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
    expect(pair.clientSession.discarded).toContain("message_too_large");
    expect(pair.established).toBe(true);
  });

  test("messages ahead of their turn are kept up to a limit (E2)", () => {
    // Beyond the last one that the server really sends.
    const pair = new Pair({ client: { maxQueuedBytes: 3500 } });
    pair.client.start();
    for (let messageSeq = 7; messageSeq < 11; messageSeq += 1) {
      const message = fragmentBytes({ msgType: 11, length: 1000, messageSeq }, 0, new Uint8Array(1000));
      const record = withHeaderOf({ type: 22, version: 0xfefd, epoch: 0 }, messageSeq, message);
      pair.network.inject(pair.server.address, pair.client.address, record);
    }
    pair.simulation.runUntil(() => pair.established, 60_000);
    expect(pair.clientSession.discarded).toContain("queue_full");
    expect(pair.established).toBe(true);
  });

  test("messages far ahead of their turn are not kept at all (E2)", () => {
    const pair = new Pair();
    pair.client.start();
    for (const messageSeq of [50, 500, 65_535]) {
      const message = fragmentBytes({ msgType: 11, length: 10, messageSeq }, 0, new Uint8Array(10));
      const record = withHeaderOf({ type: 22, version: 0xfefd, epoch: 0 }, messageSeq, message);
      pair.network.inject(pair.server.address, pair.client.address, record);
    }
    pair.simulation.runUntil(() => pair.established, 60_000);
    const far = pair.clientSession.discarded.filter((reason) => reason === "message_too_far_ahead");
    expect(far).toHaveLength(3);
    expect(pair.established).toBe(true);
  });

  test("RFC 6347 §4.2.3: bytes that arrived are not changed by a later fragment that overlaps them (E3)", () => {
    const pair = new Pair({
      server: { mtu: 300 },
      serverFaults: {
        fate: (bytes): Fate | undefined => {
          const fragment = handshakeIn(bytes).find(({ msgType }) => msgType === 11);
          if (fragment?.fragmentOffset !== 0) return undefined;
          const record = { type: 22, version: 0xfefd, epoch: 0 };
          const lie = Uint8Array.from(fragment.body.subarray(0, 30), (byte) => byte ^ 0xff);
          const odd = withHeaderOf(record, 501, fragmentBytes(fragment, 0, lie));
          return { kind: "replace", datagrams: [bytes, odd] };
        },
      },
    }).handshake();
    expect(pair.clientSession.discarded).toContain("inconsistent_fragment");
    expect(pair.established).toBe(true);
  });

  test.each([
    ["beyond its record", [11, 0, 0, 50, 0, 1, 0, 0, 0, 0, 0, 50, 1, 2, 3]],
    ["beyond its message", [11, 0, 0, 3, 0, 1, 0, 0, 2, 0, 0, 3, 1, 2, 3]],
    ["without content in a message that has some", [11, 0, 0, 50, 0, 1, 0, 0, 0, 0, 0, 0]],
    ["with a header that is cut", [11, 0, 0, 50, 0, 1, 0]],
    ["of nothing at all", []],
  ])("a fragment %s is dropped (E3)", (_, bytes) => {
    const pair = new Pair({ answerDelayMs: 1 });
    pair.client.start();
    pair.simulation.runFor(0);
    const record = withHeaderOf({ type: 22, version: 0xfefd, epoch: 0 }, 77, Uint8Array.from(bytes));
    for (const [from, to] of [
      [pair.server.address, pair.client.address],
      [pair.client.address, pair.server.address],
    ] as const) {
      pair.network.inject(from, to, record);
    }
    pair.simulation.runUntil(() => pair.established, 60_000);
    expect(pair.established, keyOf(pair.client.address)).toBe(true);
    expect(pair.clientSession.discarded).toContain("malformed_fragment");
  });

  test("fragments that fit nowhere, or are known already, cost no more than others (D7, E2)", () => {
    const duel = new DuelWithServer();
    duel.say("CLIENT_HELLO");
    duel.say("CLIENT_HELLO_WITH_COOKIE");
    const message = { msgType: 11, length: 30_000, messageSeq: duel.adversary.sendSeq };
    const piecesAt = (offsets: number[], sequence: number): Uint8Array => {
      const pieces = offsets.map((offset) => fragmentBytes(message, offset, new Uint8Array(1)));
      return withHeaderOf({ type: 22, version: 0xfefd, epoch: 0 }, sequence, concat(pieces));
    };
    const everyFourth = Array.from({ length: 256 }, (_, index) => 4 * index);
    duel.feed(piecesAt(everyFourth, 1));
    const repeated = piecesAt(everyFourth.slice(0, 92), 3);
    const compared = vi.spyOn(Buffer, "compare");
    for (let round = 0; round < 20; round += 1) duel.feed(repeated);
    const comparisons = compared.mock.calls.length;
    compared.mockRestore();
    expect(duel.session?.closed).toBe(false);
    // Each is compared with what is at its place, and with nothing else.
    expect(comparisons).toBe(20 * 92);
  });
});

describe("cutting", () => {
  test.each([256, 300, 512, 1200])(
    "RFC 6347 §4.1.1.1: no datagram of any flight is larger than an MTU of %i (U7, R13)",
    (mtu) => {
      const pair = new Pair({
        server: { mtu, sessionTickets: true },
        client: { mtu, sessionTickets: true },
        clientFaults: { drop: 0.2 },
        serverFaults: { drop: 0.2 },
      }).handshake();
      expect(Math.max(...pair.sent.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(mtu);
      expect(pair.established).toBe(true);
    },
  );

  test("RFC 6347 §4.2.3: the ranges of a message's fragments meet without gap or overlap (R3.3)", () => {
    const pair = new Pair({ server: { mtu: 256 }, client: { mtu: 256 } }).handshake();
    for (const side of ["client", "server"] as const) {
      const reached = new Map<number, number>();
      for (const { bytes } of pair.sentBy(side).slice(side === "client" ? 1 : 0)) {
        for (const { messageSeq, fragmentOffset, body, length } of handshakeIn(bytes)) {
          expect(fragmentOffset).toBe((reached.get(messageSeq) ?? 0) % Math.max(length, 1));
          reached.set(messageSeq, fragmentOffset + body.length);
        }
      }
    }
  });

  test("several records share a datagram where they fit (R1.1)", () => {
    const pair = new Pair().handshake();
    const last = pair.sentBy("client").at(-1);
    expect(recordsIn(last?.bytes ?? new Uint8Array()).length).toBeGreaterThan(3);
  });
});
