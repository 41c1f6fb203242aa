import { describe, expect, test } from "vitest";
import { looksAt, recordsIn } from "../../../support/dtls/inspect.ts";
import { deliver, drop, dropFirst } from "../../../support/dtls/network.ts";
import { Pair } from "../../../support/dtls/pair.ts";

const nothing = { fate: () => drop };

describe("the timer", () => {
  test("RFC 6347 §4.2.4.1: a flight is sent again after 1 s, then after twice as long each time (R4.2)", () => {
    const pair = new Pair({ clientFaults: nothing });
    pair.client.start();
    pair.simulation.runFor(40_000);
    expect(pair.timesOf("client_hello")).toEqual([0, 1000, 3000, 7000, 15_000, 31_000]);
  });

  test("RFC 6347 §4.2.4.1: the time between is never more than the maximum (R4.2)", () => {
    const retransmission = { initialMs: 9000, maximumMs: 10_000 };
    const pair = new Pair({ clientFaults: nothing, client: { retransmission } });
    pair.client.start();
    pair.simulation.runFor(50_000);
    expect(pair.timesOf("client_hello")).toEqual([0, 9000, 19_000, 29_000, 39_000, 49_000]);
  });

  test("the handshake ends with DTLS_HANDSHAKE_TIMEOUT at its time, and no timer is left (U1, B5)", () => {
    const pair = new Pair({ clientFaults: nothing, client: { handshakeTimeoutMs: 10_000 } });
    pair.client.start();
    pair.simulation.runFor(60_000);
    expect(pair.clientSession.error?.code).toBe("DTLS_HANDSHAKE_TIMEOUT");
    expect(pair.clientSession.closedAt).toBe(10_000);
    expect(pair.clientSession.association.deadline).toBeUndefined();
    expect(pair.simulation.pending).toBe(0);
  });

  test("a server whose client went silent gives up at its time (U1, B5)", () => {
    const pair = new Pair({
      clientFaults: { fate: (_, nth) => (nth < 2 ? deliver : drop) },
      server: { handshakeTimeoutMs: 20_000 },
    });
    pair.handshake(60_000);
    expect(pair.serverSession.error?.code).toBe("DTLS_HANDSHAKE_TIMEOUT");
    expect(pair.serverSession.closedAt).toBe(20_000);
  });

  test("RFC 6347 §4.2.4: a lost flight of the client is sent again as a whole (R4.3)", () => {
    const pair = new Pair({ clientFaults: { fate: dropFirst("client_key_exchange") } }).handshake();
    expect(pair.established).toBe(true);
    const flights = pair.sentBy("client").filter(({ looks }) => looks.includes("client_key_exchange"));
    expect(flights).toHaveLength(2);
    expect(flights[1]?.looks).toEqual(flights[0]?.looks);
  });

  test.each(["server_hello", "server_key_exchange", "certificate", "server_hello_done"])(
    "a datagram with %s that is lost holds nobody up for good (R4.3)",
    (what) => {
      const pair = new Pair({ server: { mtu: 300 }, serverFaults: { fate: dropFirst(what) } }).handshake();
      expect(pair.established).toBe(true);
      expect(pair.simulation.now).toBeLessThanOrEqual(1000);
      expect(pair.echo("hello")).toBe("hello");
    },
  );

  test("RFC 6347 §4.2.4: part of a flight does not stop the timer of the side that waits for it (R4.5)", () => {
    // The ServerHello and half of the certificate arrive, and nothing else; the client asks again and again.
    const pair = new Pair({
      server: { mtu: 300 },
      serverFaults: {
        fate: (bytes) => (/server_hello(,|$)|verify/.test(looksAt(bytes).join()) ? undefined : drop),
      },
    });
    pair.client.start();
    pair.simulation.runFor(10_000);
    expect(pair.timesOf("client_hello").slice(1)).toEqual([0, 1000, 3000, 7000]);
    expect(pair.clientSession.discarded).toContain("repeated_message");
  });
});

describe("the peer's retransmission", () => {
  test("RFC 6347 §4.2.4: a repeated flight of the peer is answered by the own flight, without the timer (R4.3)", () => {
    const pair = new Pair({
      server: { retransmission: { initialMs: 30_000, maximumMs: 60_000 } },
      serverFaults: { fate: dropFirst("server_hello") },
    }).handshake();
    expect(pair.established).toBe(true);
    // The client's timer ran out at one second; the server's own would have at thirty.
    expect(pair.simulation.now).toBe(1000);
  });

  test("a flood of repeated ClientHellos does not make a flood of flights (R4.3)", () => {
    const pair = new Pair({ clientFaults: { fate: (_, nth) => (nth < 2 ? deliver : drop) } });
    pair.client.start();
    pair.simulation.runFor(10);
    const hello = pair.sentBy("client")[1];
    if (hello === undefined) throw new Error("no second ClientHello");
    const before = pair.timesOf("server_hello").length;
    for (let copy = 0; copy < 500; copy += 1) {
      pair.network.inject(hello.from, hello.to, hello.bytes, copy);
    }
    pair.simulation.runFor(500);
    expect(pair.timesOf("server_hello").length - before).toBeLessThanOrEqual(3);
  });

  test("RFC 6347 §4.2.4: the final flight is kept, and sent again when the peer repeats its own (R4.4)", () => {
    const pair = new Pair({ serverFaults: { fate: dropFirst("change_cipher_spec", 3) } }).handshake();
    expect(pair.serverSession.establishedAt).toBe(0);
    expect(pair.clientSession.establishedAt).toBe(7000);
    expect(pair.echo("hello")).toBe("hello");
  });

  test("RFC 5246 Figure 2: in a resumption it is the client that keeps the final flight (R4.4)", () => {
    const first = new Pair({ server: { sessionIds: true } }).handshake();
    first.simulation.runFor(1);
    const pair = new Pair({
      seed: 2,
      server: { sessionIds: true },
      client: { session: first.clientSession.resumable },
      sessions: first.sessions,
      clientFaults: { fate: dropFirst("change_cipher_spec", 2) },
    }).handshake();
    expect(pair.serverSession.association.resumed).toBe(true);
    expect(pair.clientSession.establishedAt).toBe(0);
    expect(pair.serverSession.established).toBe(true);
    expect(pair.echo("hello")).toBe("hello");
  });
});

describe("what is sent again", () => {
  test("RFC 6347 §4.2.4: new record sequence numbers, the same message_seq (F3, R1.4, R3.1)", () => {
    const pair = new Pair({ clientFaults: { fate: (_, nth) => (nth < 2 ? deliver : drop) } });
    pair.client.start();
    pair.simulation.runFor(40_000);
    for (const side of ["client", "server"] as const) {
      const records = pair.sentBy(side).flatMap(({ bytes }) => recordsIn(bytes));
      // The HelloVerifyRequest has the number of the ClientHello and is outside of the association.
      const numbers = records.map(({ epoch, sequence }) => epoch * 2 ** 48 + sequence).slice(1);
      expect(new Set(numbers).size).toBe(numbers.length);
      for (const epoch of [0, 1]) {
        const own = records.filter((record) => record.epoch === epoch).map(({ sequence }) => sequence);
        expect(own).toEqual(own.toSorted((a, b) => a - b));
      }
    }
    expect(pair.timesOf("server_hello").length).toBeGreaterThan(3);
  });

  test("RFC 6347 §4.1.1.1: after two losses datagrams are smaller (R4.6, U7)", () => {
    const pair = new Pair({ clientFaults: { fate: (_, nth) => (nth < 2 ? deliver : drop) } });
    pair.client.start();
    pair.simulation.runFor(40_000);
    const flights = Map.groupBy(pair.sentBy("server").slice(1), ({ timeMs }) => timeMs);
    const largest = [...flights.values()].map((flight) =>
      Math.max(...flight.map(({ bytes }) => bytes.length)),
    );
    expect(largest[0]).toBeGreaterThan(600);
    expect(Math.max(...largest.slice(3))).toBeLessThanOrEqual(512);
  });

  test("a path that takes 576 bytes alone is found out by these smaller datagrams (U7)", () => {
    const pair = new Pair({ serverFaults: { mtu: 548 }, clientFaults: { mtu: 548 } }).handshake();
    expect(pair.established).toBe(true);
  });

  test("answers that take long keep the flight from being sent for nothing, and the handshake goes on (R4)", () => {
    const pair = new Pair({ answerDelayMs: 800 }).handshake();
    expect(pair.established).toBe(true);
    expect(pair.echo("hello")).toBe("hello");
  });
});
