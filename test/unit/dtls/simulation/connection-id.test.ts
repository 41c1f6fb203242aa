import { describe, expect, test } from "vitest";
import type { Address } from "../../../../dtls/association/settings.ts";
import { NamedGroup, SignatureScheme } from "../../../../dtls/wire/registry.ts";
import { Prng } from "../../../../mitm/prng.ts";
import { DuelWithServer } from "../../../support/dtls/duel.ts";
import { recordsIn } from "../../../support/dtls/inspect.ts";
import { deliver, drop, type Fate } from "../../../support/dtls/network.ts";
import { Pair, type PairOptions } from "../../../support/dtls/pair.ts";
import { withHeaderOf } from "../../../support/dtls/refragment.ts";
import { connectionIds } from "../../../support/dtls/settings.ts";
import { clientAddress } from "../../../support/dtls/under-test.ts";

const elsewhere: Address = { address: "203.0.113.5", port: 2000 };
const attacker: Address = { address: "203.0.113.66", port: 6666 };
const none = { length: 0, make: () => new Uint8Array() };

/** The server wants 8 bytes of connection id and the client sends them; the client wants none. */
function established(options: PairOptions & { readonly checks?: boolean } = {}): Pair {
  const returnRoutabilityCheck = options.checks ?? false;
  const pair = new Pair({
    ...options,
    server: { connectionIds: connectionIds(new Prng(7)), returnRoutabilityCheck, ...options.server },
    client: { connectionIds: none, returnRoutabilityCheck, ...options.client },
  }).handshake();
  expect(pair.established).toBe(true);
  return pair;
}

function lastFromClient(pair: Pair): Uint8Array {
  return pair.sentBy("client").at(-1)?.bytes ?? new Uint8Array();
}

describe("negotiation", () => {
  test("RFC 9146 §3: each side's records carry the id that the other asked for (R11.1, R11.2)", () => {
    const pair = established({ client: { connectionIds: connectionIds(new Prng(8), 4) } });
    pair.echo("hello");
    const [fromClient] = recordsIn(lastFromClient(pair), 8);
    const [fromServer] = recordsIn(pair.sentBy("server").at(-1)?.bytes ?? new Uint8Array(), 4);
    expect(fromClient?.type).toBe(25);
    expect(fromServer?.type).toBe(25);
    expect(Buffer.from(lastFromClient(pair).subarray(11, 19))).toEqual(
      Buffer.from(pair.serverSession.association.ownConnectionId ?? []),
    );
  });

  test("RFC 9146 §3: an empty id is asked for by sending none (R11.1)", () => {
    const pair = established();
    pair.echo("hello");
    expect(recordsIn(lastFromClient(pair))[0]?.type).toBe(25);
    expect(recordsIn(pair.sentBy("server").at(-1)?.bytes ?? new Uint8Array())[0]?.type).toBe(23);
  });

  test.each([
    ["the client alone", { client: { connectionIds: none } }],
    ["the server alone", { server: { connectionIds: connectionIds(new Prng(7)) } }],
  ])("RFC 9146 §3: with the extension on the side of %s no record has an id (R11.1)", (_, options) => {
    const pair = new Pair(options).handshake();
    pair.echo("hello");
    const types = pair.sent.flatMap(({ bytes }) => recordsIn(bytes).map(({ type }) => type));
    expect(types).not.toContain(25);
  });

  test.each([1, 20, 255])("RFC 9146 §3: ids of %i bytes (G5)", (length) => {
    const pair = established({
      server: { connectionIds: connectionIds(new Prng(7), length) },
      client: { connectionIds: connectionIds(new Prng(8), length) },
    });
    expect(pair.echo("hello")).toBe("hello");
  });
});

describe("records without their id, or with another one", () => {
  test("RFC 9146 §6: a record without the id is not taken, though it would open (C4, R11.2)", () => {
    const pair = established();
    pair.network.setFaults(pair.client.address, {
      fate: (bytes): Fate | undefined => {
        const [record] = recordsIn(bytes);
        if (record === undefined) return undefined;
        // Somebody on the path takes the id away and writes the type of application data.
        const stripped = withHeaderOf({ ...record, type: 23 }, record.sequence, record.fragment);
        return { kind: "replace", datagrams: [stripped] };
      },
    });
    pair.client.send(Buffer.from("hello"));
    pair.simulation.runFor(100);
    expect(pair.serverSession.received).toEqual([]);
    expect(pair.serverSession.discarded.at(-1)).toBe("missing_connection_id");
    expect(pair.serverSession.closed).toBe(false);
  });

  test("RFC 9146 §6: a record with another id is not taken (G4, R11.2)", () => {
    const pair = established();
    pair.client.send(Buffer.from("hello"));
    const record = Uint8Array.from(lastFromClient(pair));
    record[12] = (record[12] ?? 0) ^ 1;
    const { association } = pair.serverSession;
    const used = pair.serverSession.act((it) => it.handleDatagram(record, pair.client.address));
    expect(used).toBe(false);
    expect(association.state).toBe("established");
    expect(pair.serverSession.discarded.at(-1)).toBe("wrong_connection_id");
  });

  test("a tls12_cid record where none was negotiated is malformed, and ends nothing (R11.1)", () => {
    const pair = new Pair().handshake();
    const record = withHeaderOf({ type: 25, version: 0xfefd, epoch: 1 }, 900, new Uint8Array(60));
    pair.network.inject(pair.client.address, pair.server.address, record);
    pair.simulation.runFor(10);
    expect(pair.serverSession.closed).toBe(false);
    expect(pair.echo("hello")).toBe("hello");
  });
});

describe("a client whose address changes", () => {
  test("RFC 9146 §6: is followed, once a record from the new address has verified (U4, G1, R11.7)", () => {
    const pair = established();
    pair.network.rebind(pair.client.address, elsewhere);
    expect(pair.echo("from elsewhere")).toBe("from elsewhere");
    expect(pair.serverSession.association.address).toEqual(elsewhere);
    expect(pair.serverSession.moves).toEqual([elsewhere]);
  });

  test("without connection ids the server does not know it any more, and does not move (G1)", () => {
    const pair = new Pair().handshake();
    pair.network.rebind(pair.client.address, elsewhere);
    expect(pair.echo("from elsewhere")).toBeUndefined();
    expect(pair.serverSession.association.address).toEqual(pair.client.address);
  });

  test("RFC 9146 §6: a record that does not verify moves nothing (G1)", () => {
    const pair = established();
    pair.client.send(Buffer.from("hello"));
    const forged = Uint8Array.from(lastFromClient(pair));
    // Newer than all, the right id, and nobody sealed it.
    forged.fill(0xff, 5, 11);
    pair.network.inject(elsewhere, pair.server.address, forged);
    pair.simulation.runFor(10);
    expect(pair.serverSession.moves).toEqual([]);
    expect(pair.serverSession.discarded.at(-1)).toBe("bad_record_mac");
  });

  test("RFC 9146 §6: an old record from another address is delivered and moves nothing (G1, R11.7)", () => {
    const pair = established();
    let held: Uint8Array | undefined;
    pair.network.setFaults(pair.client.address, {
      fate: (bytes, nth): Fate => {
        if (nth > 0) return deliver;
        held = bytes;
        return drop;
      },
    });
    pair.client.send(Buffer.from("first"));
    expect(pair.echo("second")).toBe("second");
    pair.network.inject(attacker, pair.server.address, held ?? new Uint8Array());
    pair.simulation.runFor(10);
    expect(pair.serverSession.received.map((data) => Buffer.from(data).toString())).toEqual([
      "second",
      "first",
    ]);
    expect(pair.serverSession.moves).toEqual([]);
    expect(pair.serverSession.association.address).toEqual(pair.client.address);
  });

  test("a record seen before moves nothing: whoever replays it from elsewhere gets nothing (G1, F1)", () => {
    const pair = established();
    expect(pair.echo("hello")).toBe("hello");
    const seen = lastFromClient(pair);
    const before = pair.sentBy("server").length;
    pair.network.inject(attacker, pair.server.address, seen);
    pair.simulation.runFor(10);
    expect(pair.serverSession.discarded.at(-1)).toBe("replayed");
    expect(pair.serverSession.moves).toEqual([]);
    expect(pair.sentBy("server")).toHaveLength(before);
  });

  test("an attacker who is faster than the client moves the server for no longer than the client's next record (G1)", () => {
    const pair = established();
    pair.network.setFaults(pair.client.address, { latencyMs: 50 });
    pair.network.onsend = ({ from, to, bytes }) => {
      if (from.port !== attacker.port && to.port === 5684) pair.network.inject(attacker, to, bytes);
    };
    pair.client.send(Buffer.from("one"));
    pair.simulation.runFor(60);
    pair.network.onsend = undefined;
    expect(pair.echo("two")).toBe("two");
    expect(pair.serverSession.association.address).toEqual(pair.client.address);
  });

  test("RFC 9146 §6: an address that proved nothing gets no more than three times what it sent (G3)", () => {
    const pair = established();
    pair.server.echo = false;
    pair.network.rebind(pair.client.address, elsewhere);
    pair.client.send(Buffer.from("one"));
    pair.simulation.runFor(10);
    const size = lastFromClient(pair).length;
    const before = pair.sentBy("server").length;
    for (let copy = 0; copy < 50; copy += 1) {
      pair.serverSession.act((it) => it.send(Buffer.alloc(100)));
    }
    const sent = pair.sentBy("server").slice(before);
    expect(sent.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThanOrEqual(3 * size);
    expect(pair.serverSession.closed).toBe(false);
  });
});

describe("return routability check", () => {
  test("RFC 9853 §4: the new address gets a challenge, and data once it has answered (R12, G3)", () => {
    const pair = established({ checks: true });
    pair.network.rebind(pair.client.address, elsewhere);
    pair.client.send(Buffer.from("one"));
    pair.simulation.runFor(1000);
    expect(pair.serverSession.moves).toEqual([elsewhere]);
    expect(pair.echo("two")).toBe("two");
  });

  test("RFC 9853 §4: who does not answer gets three times its bytes at most, and the client is not left (R12, G3)", () => {
    const pair = established({ checks: true });
    pair.network.setFaults(pair.client.address, {
      fate: (bytes, nth): Fate | undefined => {
        if (nth > 0) return undefined;
        // The attacker takes this one from the path and sends it from its own address.
        pair.network.inject(attacker, pair.server.address, bytes);
        return drop;
      },
    });
    pair.client.send(Buffer.from("one"));
    pair.simulation.runFor(20_000);
    expect(pair.serverSession.moves).toEqual([]);
    expect(pair.serverSession.association.address).toEqual(pair.client.address);
    const toAttacker = pair.sentBy("server").filter(({ to }) => to.port === attacker.port);
    expect(toAttacker.length).toBeGreaterThan(0);
    const fromAttacker = lastFromClient(pair).length;
    expect(toAttacker.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThanOrEqual(
      3 * fromAttacker,
    );
    // What was in the record counts: it did verify.
    expect(pair.serverSession.received).toHaveLength(1);
    expect(pair.echo("two")).toBe("two");
  });

  test("RFC 9853 §6: a lost challenge, and a lost answer, are made up for (R12)", () => {
    const pair = established({ checks: true });
    pair.network.rebind(pair.client.address, elsewhere);
    const isCheck = (to: Address) => to.port === elsewhere.port;
    let challenges = 0;
    pair.network.setFaults(pair.server.address, {
      fate: () => {
        challenges += 1;
        return challenges === 1 ? drop : undefined;
      },
    });
    pair.client.send(Buffer.from("one"));
    pair.simulation.runFor(5000);
    expect(pair.sentBy("server").filter(({ to }) => isCheck(to)).length).toBeGreaterThanOrEqual(2);
    expect(pair.serverSession.moves).toEqual([elsewhere]);
  });

  test("RFC 9853 §3: without connection ids the extension is not negotiated, and nothing is challenged (R12)", () => {
    const pair = new Pair({
      server: { returnRoutabilityCheck: true },
      client: { returnRoutabilityCheck: true },
    }).handshake();
    expect(pair.established).toBe(true);
    expect(pair.echo("hello")).toBe("hello");
  });

  test("RFC 9853 §5: nothing but the cookie of a challenge, from the address that was challenged, moves the peer (R12, G3)", () => {
    const { duel, hear, tell } = moving();
    tell(duel.adversary.applicationData(Buffer.from("moved")), elsewhere);
    const cookie = hear()[0]?.subarray(1) ?? new Uint8Array();
    expect(cookie).toHaveLength(8);
    const wrong = Uint8Array.from(cookie, (byte) => byte ^ 1);
    const odd = [
      Uint8Array.of(pathResponse, ...wrong),
      Uint8Array.of(pathResponse, ...cookie, 0),
      Uint8Array.of(pathResponse, ...cookie.subarray(1)),
      Uint8Array.of(pathDrop, ...cookie),
      Uint8Array.of(99, ...cookie),
      new Uint8Array(),
    ];
    for (const message of odd) tell(duel.adversary.record(checkType, message, 1), elsewhere);
    expect(duel.session?.moves).toEqual([]);
    expect(duel.session?.closed).toBe(false);
    tell(duel.adversary.record(checkType, Uint8Array.of(pathResponse, ...cookie), 1), elsewhere);
    expect(duel.session?.moves).toEqual([elsewhere]);
  });

  test("RFC 9853 §5: the cookie of one address proves no other (R12, G3)", () => {
    const { duel, hear, tell } = moving();
    tell(duel.adversary.applicationData(Buffer.from("moved")), elsewhere);
    const cookie = hear()[0]?.subarray(1) ?? new Uint8Array();
    tell(duel.adversary.record(checkType, Uint8Array.of(pathResponse, ...cookie), 1), attacker);
    expect(duel.session?.moves).toEqual([]);
  });

  test("RFC 9853 §5: a response that nobody asked for moves nothing (R12)", () => {
    const { duel, tell } = moving();
    tell(duel.adversary.record(checkType, Uint8Array.of(pathResponse, ...new Uint8Array(8)), 1), elsewhere);
    expect(duel.session?.moves).toEqual([]);
    expect(duel.session?.discarded).toContain("unexpected_return_routability_message");
  });

  test("RFC 9853 §6: a challenge is answered at once, once, with its cookie (R12)", () => {
    const { duel, hear, tell } = moving();
    const challenge = Uint8Array.of(pathChallenge, 1, 2, 3, 4, 5, 6, 7, 8);
    tell(duel.adversary.record(checkType, challenge, 1), clientAddress);
    expect(hear().map((message) => [...message])).toEqual([[pathResponse, 1, 2, 3, 4, 5, 6, 7, 8]]);
  });

  test("RFC 9853 §3: where it was not negotiated its messages do nothing (R12)", () => {
    const duel = new DuelWithServer();
    for (const name of duel.rightOrder) duel.say(name);
    duel.adversary.heardRecords.length = 0;
    duel.feed(duel.adversary.record(checkType, Uint8Array.of(pathChallenge, ...new Uint8Array(8)), 1));
    expect(duel.adversary.heardRecords).toEqual([]);
    expect(duel.session?.discarded).toContain("unexpected_return_routability_message");
  });
});

/** RFC 9853 §4, §5 */
const checkType = 27;
const [pathChallenge, pathResponse, pathDrop] = [0, 1, 2] as const;

/** A client with an empty connection id that has the keys and says what it likes, from where it likes. */
function moving() {
  const duel = new DuelWithServer({
    server: { connectionIds: connectionIds(new Prng(7)), returnRoutabilityCheck: true },
    adversary: {
      extensions: {
        supportedGroups: [NamedGroup.secp256r1],
        signatureAlgorithms: [SignatureScheme.ecdsa_secp256r1_sha256],
        extendedMasterSecret: true,
        connectionId: new Uint8Array(),
        returnRoutabilityCheck: true,
      },
    },
  });
  for (const name of duel.rightOrder) duel.say(name);
  expect(duel.session?.established).toBe(true);
  duel.adversary.heardRecords.length = 0;
  return {
    duel,
    tell: (datagram: Uint8Array, from: Address) => void duel.adversary.hear(duel.server.feed(datagram, from)),
    /** The content of the checks that the server sent since the last call. */
    hear: () =>
      duel.adversary.heardRecords
        .splice(0)
        .filter(({ type }) => type === checkType)
        .map(({ plaintext }) => plaintext),
  };
}
