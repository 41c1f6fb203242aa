import { describe, expect, test } from "vitest";
import { AlertDescription, AlertLevel } from "../../../../dtls/wire/registry.ts";
import { DuelWithClient, DuelWithServer } from "../../../support/dtls/duel.ts";
import { recordsIn } from "../../../support/dtls/inspect.ts";
import type { Fate } from "../../../support/dtls/network.ts";
import { Pair } from "../../../support/dtls/pair.ts";
import { withHeaderOf } from "../../../support/dtls/refragment.ts";

/** The records of a datagram, each in its own, in another order or number. */
function rearranged(change: (records: Uint8Array[]) => Uint8Array[]) {
  return (datagram: Uint8Array): Fate | undefined => {
    const records = recordsIn(datagram);
    if (!records.some(({ type }) => type === 20)) return undefined;
    return { kind: "replace", datagrams: change(records.map(({ bytes }) => bytes)) };
  };
}

const spoofed = { type: 21, version: 0xfefd, epoch: 0 };
const plaintext: [string, Uint8Array][] = [
  [
    "a fatal alert",
    withHeaderOf(spoofed, 900, Uint8Array.of(AlertLevel.fatal, AlertDescription.handshake_failure)),
  ],
  [
    "close_notify",
    withHeaderOf(spoofed, 901, Uint8Array.of(AlertLevel.warning, AlertDescription.close_notify)),
  ],
  ["application data", withHeaderOf({ ...spoofed, type: 23 }, 902, Buffer.from("evil"))],
  ["a ChangeCipherSpec", withHeaderOf({ ...spoofed, type: 20 }, 903, Uint8Array.of(1))],
  ["an unknown content type", withHeaderOf({ ...spoofed, type: 99 }, 904, Uint8Array.of(1))],
  [
    "a handshake message",
    withHeaderOf({ ...spoofed, type: 22 }, 905, Uint8Array.of(0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0)),
  ],
];

describe("records that overtake each other", () => {
  test.each(["client", "server"])(
    "Finished before ChangeCipherSpec, from the %s, is kept for its turn (B3)",
    (side) => {
      const fate = rearranged((records) => records.toReversed());
      const pair = new Pair({ [`${side}Faults`]: { fate } }).handshake();
      expect(pair.established).toBe(true);
      // Nothing had to be sent again.
      expect(pair.simulation.now).toBe(0);
    },
  );

  test("application data that overtakes Finished is delivered after it, and not before (A3, B3)", () => {
    const pair = new Pair({ server: { sessionIds: true } }).handshake();
    const resumed = new Pair({
      seed: 2,
      sessions: pair.sessions,
      server: { sessionIds: true },
      client: { session: pair.clientSession.resumable },
      clientFaults: {
        fate: (bytes) => {
          const last = recordsIn(bytes).some(({ type }) => type === 20);
          return last ? { kind: "delay", delayMs: 300 } : undefined;
        },
      },
    });
    resumed.client.start();
    resumed.simulation.runUntil(() => resumed.clientSession.established, 1000);
    resumed.client.send(Buffer.from("early"));
    resumed.simulation.runFor(100);
    expect(resumed.serverSession.established).toBe(false);
    expect(resumed.serverSession.received).toEqual([]);
    resumed.simulation.runFor(300);
    expect(resumed.serverSession.received.map((data) => Buffer.from(data).toString())).toEqual(["early"]);
  });

  test("a ChangeCipherSpec that comes twice, and again later, is one (B4)", () => {
    const fate = rearranged((records) => records.flatMap((record) => [record, record]));
    const pair = new Pair({ clientFaults: { fate }, serverFaults: { fate } }).handshake();
    expect(pair.established).toBe(true);
    expect(pair.serverSession.discarded).toContain("unexpected_change_cipher_spec");
    expect(pair.echo("hello")).toBe("hello");
  });

  test.each([[], [0], [2], [1, 1]])("RFC 5246 §7.1: of the bytes %j it is none (B4)", (...bytes) => {
    const duel = new DuelWithServer();
    for (const name of duel.rightOrder.slice(0, -2)) duel.say(name);
    duel.feed(duel.adversary.record(20, Uint8Array.from(bytes), 0));
    duel.say("FINISHED");
    expect(duel.session?.established).toBe(false);
    expect(duel.session?.discarded).toContain("unexpected_change_cipher_spec");
    duel.say("CHANGE_CIPHER_SPEC");
    expect(duel.session?.established).toBe(true);
  });
});

describe("epoch discipline", () => {
  test("RFC 6347 §4.1: records of an unknown epoch are dropped in silence, before and after (B2)", () => {
    const pair = new Pair();
    const record = (epoch: number) =>
      withHeaderOf({ type: 22, version: 0xfefd, epoch }, 2 ** 47, new Uint8Array(60));
    const injectAll = (): void => {
      for (const epoch of [2, 3, 1000, 65_535]) {
        pair.network.inject(pair.client.address, pair.server.address, record(epoch));
        pair.network.inject(pair.server.address, pair.client.address, record(epoch));
      }
    };
    pair.client.start();
    injectAll();
    pair.simulation.runUntil(() => pair.established, 10_000);
    expect(pair.established).toBe(true);
    expect(pair.clientSession.discarded).toContain("unknown_epoch");
    const before = pair.sent.length;
    injectAll();
    pair.simulation.runFor(100);
    expect(pair.sent.length, "nothing is answered").toBe(before);
    expect(pair.echo("hello")).toBe("hello");
  });

  test("a flood of records of the next epoch takes no more memory than allowed, and ends nothing (B2, D7)", () => {
    const pair = new Pair({ server: { maxQueuedBytes: 5000 }, answerDelayMs: 100 });
    pair.client.start();
    pair.simulation.runFor(0);
    const junk = withHeaderOf({ type: 23, version: 0xfefd, epoch: 1 }, 7, new Uint8Array(1000));
    for (let copy = 0; copy < 1000; copy += 1)
      pair.network.inject(pair.client.address, pair.server.address, junk);
    pair.simulation.runUntil(() => pair.established, 60_000);
    const dropped = pair.serverSession.discarded.filter((reason) => reason === "queue_full");
    expect(dropped.length).toBeGreaterThan(990);
    expect(pair.established).toBe(true);
  });

  test("RFC 5246 §7.4.9: a right Finished in epoch 0 is none (B2)", () => {
    const duel = new DuelWithServer();
    for (const name of duel.rightOrder.slice(0, -1)) duel.say(name);
    duel.feed(duel.adversary.finished({ epoch: 0, messageSeq: duel.adversary.sendSeq }));
    expect(duel.session?.established).toBe(false);
    // The same one where it belongs.
    duel.say("FINISHED");
    expect(duel.session?.established).toBe(true);
  });

  test.each(["CERTIFICATE", "CLIENT_KEY_EXCHANGE", "CERTIFICATE_VERIFY"])(
    "RFC 6347 §4.2.4: %s in epoch 1, with the right keys, is not taken (B2)",
    (name) => {
      const duel = new DuelWithServer();
      for (const earlier of duel.rightOrder.slice(0, duel.rightOrder.indexOf(name))) duel.say(earlier);
      duel.say(name, { rightEpoch: false, counted: true });
      for (const later of duel.rightOrder.slice(duel.rightOrder.indexOf(name) + 1)) duel.say(later);
      expect(duel.session?.established).toBe(false);
    },
  );
});

describe("what nobody protected, once there are keys", () => {
  test.each(plaintext)(
    "%s in epoch 0 neither ends nor changes an association, and is not answered (C1, C2, B4)",
    (_, record) => {
      const pair = new Pair().handshake();
      const before = pair.sent.length;
      for (const [from, to] of [
        [pair.client.address, pair.server.address],
        [pair.server.address, pair.client.address],
      ] as const) {
        pair.network.inject(from, to, record);
      }
      pair.simulation.runFor(60_000);
      expect(pair.sent).toHaveLength(before);
      expect(pair.clientSession.received).toEqual([]);
      expect(pair.serverSession.received).toEqual([]);
      expect(pair.echo("hello")).toBe("hello");
    },
  );

  test.each(plaintext)("%s in epoch 0 does not end a handshake that goes on (C1, C2)", (_, record) => {
    // The real flights take a while, so that the spoofed record comes between any two of them.
    const pair = new Pair({ clientFaults: { latencyMs: 50 }, serverFaults: { latencyMs: 50 } });
    pair.client.start();
    for (let time = 0; time < 400; time += 10) {
      pair.network.inject(pair.server.address, pair.client.address, record, time);
      if (time > 100) pair.network.inject(pair.client.address, pair.server.address, record, time);
    }
    pair.simulation.runUntil(() => pair.established, 60_000);
    expect(pair.established, String(pair.clientSession.error ?? pair.serverSession.error)).toBe(true);
    expect(pair.clientSession.received).toEqual([]);
    expect(pair.echo("hello")).toBe("hello");
  });

  test("application data sealed with the right keys before Finished is not delivered (A3)", () => {
    const duel = new DuelWithServer();
    for (const name of duel.rightOrder.slice(0, -1)) duel.say(name);
    duel.say("APPLICATION_DATA");
    expect(duel.session?.received).toEqual([]);
    duel.say("WRONG_FINISHED");
    expect(duel.session?.received).toEqual([]);
    expect(duel.session?.closed).toBe(true);
  });

  test("the same towards a client (A3)", () => {
    const duel = new DuelWithClient();
    for (const name of duel.rightOrder.slice(0, -1)) duel.say(name);
    duel.say("APPLICATION_DATA");
    duel.say("WRONG_FINISHED");
    expect(duel.session.received).toEqual([]);
    expect(duel.session.error?.code).toBe("DTLS_BAD_FINISHED");
  });
});
