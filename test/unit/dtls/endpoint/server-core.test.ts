/* oxlint-disable unicorn/prefer-add-event-listener -- onmessage is what is tested */
import { beforeEach, describe, expect, test } from "vitest";
import type { PeerClaim } from "../../../../dtls/association/outputs.ts";
import type { Address } from "../../../../dtls/association/settings.ts";
import { DTLSEndpoint } from "../../../../dtls/endpoint/endpoint.ts";
import type { ListenOptions } from "../../../../dtls/endpoint/options.ts";
import { readListenOptions } from "../../../../dtls/endpoint/read-listen-options.ts";
import { systemEnvironment } from "../../../../dtls/endpoint/scheduler.ts";
import { type Refused, ServerCore } from "../../../../dtls/endpoint/server-core.ts";
import { DTLSSession } from "../../../../dtls/endpoint/session.ts";
import { newStats } from "../../../../dtls/endpoint/stats.ts";
import { DtlsError } from "../../../../dtls/errors.ts";
import { FakeAssociation, somebody } from "../../../support/dtls-endpoint/fake-association.ts";
import { cookieIn, type HelloFields, hello, helloFragments } from "../../../support/dtls-endpoint/hellos.ts";
import { ManualScheduler } from "../../../support/dtls-endpoint/manual-scheduler.ts";

const alice = { address: "192.0.2.1", port: 1000 };
const bob = { address: "192.0.2.2", port: 1000 };
const key = new Uint8Array(16);

let scheduler: ManualScheduler;
let wallClock: number;
let core: ServerCore;
let made: FakeAssociation[];
let sent: { datagram: Uint8Array; to: Address }[];
let sessions: DTLSSession[];
let refused: Refused[];
let callbackErrors: unknown[];
let onSession: (session: DTLSSession) => void;
let onRefusedCall: () => void;

function start(options: Partial<ListenOptions> = {}): void {
  scheduler = new ManualScheduler();
  wallClock = Date.UTC(2026, 10, 25);
  made = [];
  sent = [];
  sessions = [];
  refused = [];
  callbackErrors = [];
  onSession = () => undefined;
  onRefusedCall = () => undefined;
  const endpoint = new DTLSEndpoint({
    stats: newStats(0),
    sessions: [],
    isFull: false,
    refusesAll: false,
    receive: () => undefined,
    recheck: async () => undefined,
    exportAssociations: () => new Uint8Array(),
    end: () => undefined,
  });
  core = new ServerCore(readListenOptions({ port: 0, psk: { somebody: key }, ...options }), {
    scheduler,
    environment: { ...systemEnvironment, now: () => scheduler.now(), wallClock: () => wallClock },
    associations: {
      server: (_settings, _environment, peer) => {
        const association = new FakeAssociation(peer);
        made.push(association);
        return association;
      },
    },
    transmit: (datagram, to) => void sent.push({ datagram, to }),
    makeSession: (connection) =>
      new DTLSSession(connection, {
        endpoint,
        acceptsAnyPeer: false,
        resumable: () => undefined,
        onRejection: () => undefined,
        released: async () => undefined,
      }),
    onSession: (session) => {
      sessions.push(session);
      onSession(session);
    },
    onRefused: (report) => {
      refused.push(report);
      onRefusedCall();
    },
    onCallbackError: (thrown) => void callbackErrors.push(thrown),
  });
}

beforeEach(() => start());

function cookieFor(from: Address, fields: HelloFields = {}): Uint8Array {
  core.receive(hello(fields), from);
  const reply = sent.pop();
  if (reply === undefined) throw new Error("no HelloVerifyRequest");
  expect(reply.to).toEqual(from);
  return cookieIn(reply.datagram);
}

/** The cookie exchange; the association that came of it. */
function begin(from: Address, fields: HelloFields = {}): FakeAssociation {
  const before = made.length;
  core.receive(hello({ ...fields, cookie: cookieFor(from, fields), sequence: 1, messageSeq: 1 }), from);
  const association = made[before];
  if (association === undefined) throw new Error("no association");
  return association;
}

function establish(from: Address, fields: HelloFields = {}, name = "somebody"): FakeAssociation {
  const association = begin(from, fields);
  association.onDatagram = () => {
    association.ask({ kind: "psk", identity: Buffer.from(name), hint: undefined });
    association.establish(somebody(name), name);
  };
  core.receive(protectedRecord(), from);
  association.onDatagram = () => undefined;
  return association;
}

const random = (fill: number): HelloFields => ({ random: new Uint8Array(32).fill(fill) });

/** Epoch 1, without a connection id. */
function protectedRecord(byte = 0): Uint8Array {
  return Uint8Array.of(23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, byte);
}

function withConnectionId(id: Uint8Array): Uint8Array {
  return Uint8Array.of(25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, ...id, 0, 1, 0);
}

describe("before a cookie has come back", () => {
  test("nothing is made for a ClientHello, and one answer goes out (D1, D5)", () => {
    for (let index = 0; index < 100; index++)
      core.receive(hello(random(index)), { ...alice, port: 1 + index });
    expect(made).toEqual([]);
    expect(sent).toHaveLength(100);
    expect(scheduler.timers).toBe(0);
    expect(core.stats).toMatchObject({ helloVerifyRequests: 100, handshakesStarted: 0, handshaking: 0 });
  });

  test("what is no ClientHello is dropped and counted, by reason (R1.3)", () => {
    core.receive(new Uint8Array(3), alice);
    core.receive(protectedRecord(), alice);
    core.receive(withConnectionId(new Uint8Array(8)), alice);
    const [, later = new Uint8Array()] = helloFragments({ extensionBytes: 500 }, 300);
    core.receive(later, alice);
    expect(sent).toEqual([]);
    expect(core.stats.discarded).toMatchObject({
      too_short: 1,
      unknown_address: 1,
      unknown_connection_id: 1,
      later_fragment: 1,
    });
  });

  test("a wrong cookie is counted and answered like none (R2.4)", () => {
    core.receive(hello({ cookie: new Uint8Array(17) }), alice);
    expect(core.stats).toMatchObject({ wrongCookies: 1, helloVerifyRequests: 1 });
  });
});

describe("a handshake", () => {
  test("the association gets the datagram that brought the cookie, and its numbers (R2.3)", () => {
    const cookie = cookieFor(alice);
    const datagram = hello({ cookie, sequence: 7, messageSeq: 1 });
    core.receive(datagram, alice);
    expect(made[0]?.datagrams).toEqual([datagram]);
    expect(core.stats).toMatchObject({ handshakesStarted: 1, handshaking: 1 });
  });

  test("a retransmitted ClientHello goes to the association that it began, also fragmented otherwise (U5, U8)", () => {
    const association = begin(alice, { extensionBytes: 800 });
    const cookie = cookieFor(bob, { extensionBytes: 800 });
    expect(association.datagrams).toHaveLength(1);
    const again = { extensionBytes: 800, cookie, messageSeq: 1 };
    for (const datagram of helloFragments(again, 400)) core.receive(datagram, alice);
    // Even with a cookie that is too old by now: the random says who it is.
    expect(association.datagrams).toHaveLength(1 + 3);
    expect(made).toHaveLength(1);
    expect(core.stats.helloVerifyRequests).toBe(2);
  });

  test("the first ClientHello, late, is answered as ever, and changes nothing (U8)", () => {
    const association = begin(alice);
    core.receive(hello(), alice);
    expect(sent).toHaveLength(1);
    expect(association.datagrams).toHaveLength(1);
  });

  test("a Finished that overtook its keys goes by address: its connection id is not known yet (B3, R11)", () => {
    const association = begin(alice);
    core.receive(withConnectionId(new Uint8Array(8)), alice);
    expect(association.datagrams).toHaveLength(2);
    core.receive(withConnectionId(new Uint8Array(8)), bob);
    expect(core.stats.discarded.unknown_connection_id).toBe(1);
  });

  test("no session comes of one that fails, and it is reported with its reason and leaves nothing (B5, U15)", () => {
    const association = begin(alice);
    const claim: PeerClaim = {
      certificateType: "PSK",
      chain: [],
      pskIdentity: Buffer.from("x"),
      serverName: undefined,
      address: alice,
      resumed: false,
    };
    association.onDatagram = () => {
      association.ask({ kind: "peer", claim });
      association.close(new DtlsError("DTLS_BAD_FINISHED", "no"));
    };
    core.receive(protectedRecord(), alice);
    expect(sessions).toEqual([]);
    expect(refused).toMatchObject([{ ...alice, error: { code: "DTLS_BAD_FINISHED" }, claim }]);
    expect(core.stats).toMatchObject({
      handshaking: 0,
      sessions: 0,
      handshakesFailed: 1,
      failed: { DTLS_BAD_FINISHED: 1 },
    });
    core.receive(protectedRecord(), alice);
    expect(core.stats.discarded.unknown_address).toBe(1);
  });

  test("the session is given to the application when it is established, and not before (A3)", () => {
    const association = begin(alice);
    expect(sessions).toEqual([]);
    association.onDatagram = () => association.establish();
    core.receive(protectedRecord(), alice);
    expect(sessions).toHaveLength(1);
    expect(sessions[0]).toMatchObject({ authorized: true, identity: "somebody", destroyed: false });
    expect(core.stats).toMatchObject({ sessions: 1, handshaking: 0, serverSessions: 1, handshakesFull: 1 });
  });
});

describe("a new handshake from the address of a session (R10, U2, C3)", () => {
  test("C3: a ClientHello without a good cookie leaves the session as it is", () => {
    const association = establish(alice);
    core.receive(hello(random(9)), alice);
    core.receive(hello({ ...random(9), cookie: new Uint8Array(17) }), alice);
    expect(association.closedWith).toBeUndefined();
    expect(made).toHaveLength(1);
    expect(sessions[0]?.destroyed).toBe(false);
  });

  test("RFC 6347 §4.2.8: the old session goes on until the new handshake is complete, then it ends (R10)", async () => {
    const old = establish(alice);
    const pending = begin(alice, random(9));
    expect(old.closedWith).toBeUndefined();
    core.receive(protectedRecord(), alice);
    expect(pending.datagrams).toHaveLength(2);
    pending.onDatagram = () => pending.establish();
    core.receive(protectedRecord(), alice);
    expect(old.closedWith?.error?.code).toBe("DTLS_PEER_GONE");
    expect(sessions).toHaveLength(2);
    expect(core.stats).toMatchObject({ replaced: 1, sessions: 1 });
    await expect(sessions[0]?.closed).rejects.toMatchObject({ code: "DTLS_PEER_GONE" });
  });

  test("C3: a pending handshake that fails leaves the session as it is (B5)", () => {
    const old = establish(alice);
    const pending = begin(alice, random(9));
    pending.onDatagram = () => pending.close(new DtlsError("DTLS_BAD_FINISHED", "no"));
    core.receive(protectedRecord(), alice);
    expect(old.closedWith).toBeUndefined();
    core.receive(protectedRecord(), alice);
    expect(old.datagrams).toHaveLength(3);
    expect(core.stats).toMatchObject({ sessions: 1, handshaking: 0 });
  });

  test("protected records go to the new one first, and to the old one when it had no use for them", () => {
    const old = establish(alice);
    const pending = begin(alice, random(9));
    pending.takes = false;
    core.receive(protectedRecord(5), alice);
    expect(pending.datagrams).toHaveLength(2);
    expect(old.datagrams.at(-1)).toEqual(protectedRecord(5));
    pending.takes = true;
    core.receive(protectedRecord(6), alice);
    expect(old.datagrams.at(-1)).toEqual(protectedRecord(5));
  });

  test("a third attempt replaces the second one; the same random is the same attempt", () => {
    const old = establish(alice);
    const second = begin(alice, random(9));
    const cookie = cookieFor(alice, random(9));
    core.receive(hello({ ...random(9), cookie, messageSeq: 1 }), alice);
    expect(second.datagrams).toHaveLength(2);
    const third = begin(alice, random(10));
    expect(second.closedWith?.error?.code).toBe("DTLS_PEER_GONE");
    expect(third.closedWith).toBeUndefined();
    expect(old.closedWith).toBeUndefined();
    expect(core.stats.handshaking).toBe(1);
  });

  test("the ClientHello that began the session, late or replayed, begins nothing (C3)", () => {
    const association = begin(alice);
    const [first = new Uint8Array()] = association.datagrams;
    association.onDatagram = () => association.establish();
    core.receive(protectedRecord(), alice);
    association.onDatagram = () => undefined;
    core.receive(first, alice);
    expect(made).toHaveLength(1);
    expect(association.datagrams).toHaveLength(3);
  });

  test("a session with a connection id is left to another peer's new one: a NAT may give its address away (U4)", () => {
    const old = begin(alice);
    old.ownConnectionId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    old.onDatagram = () => old.establish(somebody("one"));
    core.receive(protectedRecord(), alice);
    old.onDatagram = () => undefined;
    const other = begin(alice, random(9));
    other.onDatagram = () => other.establish(somebody("two"));
    core.receive(protectedRecord(), alice);
    expect(old.closedWith).toBeUndefined();
    core.receive(withConnectionId(old.ownConnectionId), bob);
    expect(old.datagrams).toHaveLength(3);
    // The same peer again has no use for its old one.
    const again = begin(alice, random(10));
    again.onDatagram = () => again.establish(somebody("two"));
    core.receive(protectedRecord(), alice);
    expect(other.closedWith?.error?.code).toBe("DTLS_PEER_GONE");
    expect(core.stats.sessions).toBe(2);
  });
});

describe("connection ids (R11)", () => {
  const id = Uint8Array.of(9, 8, 7, 6, 5, 4, 3, 2);

  test("a record with an id goes to its association from any address (R11.7, U4)", () => {
    const association = begin(alice);
    association.onDatagram = () => {
      association.ownConnectionId = id;
      association.establish();
    };
    core.receive(protectedRecord(), alice);
    core.receive(withConnectionId(id), bob);
    expect(association.datagrams).toHaveLength(3);
    expect(association.froms.at(-1)).toEqual(bob);
  });

  test("after the association has ended its id is nobody's (B5)", () => {
    const association = begin(alice);
    association.ownConnectionId = id;
    association.onDatagram = () => association.establish();
    core.receive(protectedRecord(), alice);
    sessions[0]?.destroy();
    core.receive(withConnectionId(id), alice);
    expect(association.datagrams).toHaveLength(2);
    expect(core.stats.discarded.unknown_connection_id).toBe(1);
  });

  test("the address that it moved to is where it is found, by records without ids too", () => {
    const association = establish(alice);
    association.onDatagram = () => {
      association.address = bob;
      association.say({ type: "address", from: alice, to: bob });
    };
    core.receive(protectedRecord(), alice);
    association.onDatagram = () => undefined;
    core.receive(protectedRecord(), bob);
    expect(association.datagrams).toHaveLength(4);
    core.receive(protectedRecord(), alice);
    expect(association.datagrams).toHaveLength(4);
    expect(core.stats.addressChanges).toBe(1);
  });

  test("they are random, of one length, and not those of a live association (G2)", () => {
    const settings = core.settings.connectionIds;
    if (settings === undefined) throw new Error("unreachable");
    const ids = Array.from({ length: 200 }, () => Buffer.from(settings.make()).toString("hex"));
    expect(new Set(ids).size).toBe(200);
    expect(ids.every((text) => text.length === 2 * settings.length)).toBe(true);
    // No byte is a counter.
    for (let index = 0; index < settings.length; index++) {
      expect(new Set(ids.map((text) => text.slice(2 * index, 2 * index + 2))).size).toBeGreaterThan(50);
    }
  });

  test("turned off, no record with an id is taken", () => {
    start({ connectionId: false });
    expect(core.settings.connectionIds).toBeUndefined();
    core.receive(withConnectionId(id), alice);
    expect(core.stats.discarded.unknown_connection_id).toBe(1);
  });
});

describe("bounds (D7, U10)", () => {
  test("handshakes of one host, handshakes in all: beyond them there is silence (D7)", () => {
    start({ maxHandshakes: 3, maxHandshakesPerHost: 2 });
    begin({ ...alice, port: 1 });
    begin({ ...alice, port: 2 });
    const attempt = (from: Address) => {
      const cookie = cookieFor(from);
      core.receive(hello({ cookie, messageSeq: 1 }), from);
    };
    attempt({ ...alice, port: 3 });
    expect(made).toHaveLength(2);
    expect(core.stats.discarded.too_many_from_host).toBe(1);
    begin(bob);
    attempt({ address: "192.0.2.3", port: 1 });
    expect(made).toHaveLength(3);
    expect(core.stats.discarded.busy).toBe(1);
    expect(core.stats.serverBusyCount).toBe(2);
    expect(sent).toEqual([]);
    expect(core.busy).toBe(true);
  });

  test("a handshake that nobody goes on with makes room for the next one (D7)", () => {
    start({ maxHandshakes: 1 });
    const stuck = begin(alice);
    scheduler.pass(5000);
    begin(bob);
    expect(stuck.state).toBe("closed");
    expect(refused).toMatchObject([{ error: { code: "DTLS_EVICTED" } }]);
    expect(core.stats).toMatchObject({ evicted: 1, handshaking: 1 });
  });

  test("a session that was silent for long makes room; one that was not stays, and the new peer is refused (U10)", () => {
    start({ maxSessions: 2, staleAfter: 1000 });
    const one = establish({ ...alice, port: 1 }, random(1));
    scheduler.pass(600);
    const two = establish({ ...alice, port: 2 }, random(2));
    core.receive(hello({ cookie: cookieFor(bob), messageSeq: 1 }), bob);
    expect(made).toHaveLength(2);
    scheduler.pass(400);
    begin(bob);
    expect(one.state).toBe("closed");
    expect(two.state).toBe("established");
    expect(core.stats.evicted).toBe(1);
  });

  test("only what is authentic keeps a session young (C3)", () => {
    start({ maxSessions: 1, staleAfter: 1000 });
    const session = establish(alice);
    session.takes = false;
    scheduler.pass(999);
    core.receive(protectedRecord(), alice);
    scheduler.pass(1);
    begin(bob);
    expect(session.state).toBe("closed");
  });

  test("a second attempt to come back when the table is full finds the room of the session that it replaces (U2)", () => {
    start({ maxSessions: 2 });
    establish({ ...alice, port: 1 }, random(1));
    establish({ ...alice, port: 2 }, random(2));
    begin({ ...alice, port: 2 }, random(3));
    const again = begin({ ...alice, port: 2 }, random(4));
    expect(again.state).toBe("handshaking");
    expect(core.stats).toMatchObject({ sessions: 2, handshaking: 1 });
  });

  test("whoever is told that a handshake was given up may close the endpoint: nothing begins after that (U1, B5)", () => {
    begin(alice, random(1));
    onRefusedCall = () => core.end((connection) => connection.drop());
    const cookie = cookieFor(alice, random(2));
    core.receive(hello({ ...random(2), cookie, sequence: 1, messageSeq: 1 }), alice);
    expect(made).toHaveLength(1);
    expect(scheduler.timers).toBe(0);
    expect(core.stats.handshaking).toBe(0);
  });

  test("refusing all answers nobody, and does not touch who is there", () => {
    const session = establish(alice);
    const pending = begin(bob);
    core.refusesAll = true;
    core.receive(hello(), { ...alice, port: 5 });
    core.receive(hello(random(9)), alice);
    expect(sent).toEqual([]);
    core.receive(protectedRecord(), alice);
    core.receive(protectedRecord(), bob);
    expect(session.datagrams).toHaveLength(3);
    expect(pending.datagrams).toHaveLength(2);
  });
});

describe("time", () => {
  test("a handshake has one timer at most, and none when it is over (B5)", () => {
    const association = begin(alice);
    for (const deadline of [2000, 2500, 1500, 4000]) {
      association.deadline = deadline;
      core.receive(protectedRecord(), alice);
      expect(scheduler.timers).toBe(1);
    }
    scheduler.pass(600);
    expect(association.timeouts).toBe(1);
    association.deadline = undefined;
    association.onDatagram = () => association.establish();
    core.receive(protectedRecord(), alice);
    expect(scheduler.timers).toBe(0);
    scheduler.pass(100_000);
    expect(association.timeouts).toBe(1);
  });

  test("what a timeout brings about is carried out", () => {
    const association = begin(alice);
    association.deadline = 1500;
    association.onTimeout = () => {
      association.deadline = undefined;
      association.close(new DtlsError("DTLS_HANDSHAKE_TIMEOUT", "too late"));
    };
    core.receive(protectedRecord(), alice);
    scheduler.pass(500);
    expect(refused).toMatchObject([{ error: { code: "DTLS_HANDSHAKE_TIMEOUT" } }]);
    expect(core.stats.handshaking).toBe(0);
  });

  test("sessions that say nothing for the idle time are closed, orderly; others are not", () => {
    start({ idleTimeout: 10_000 });
    const quiet = establish({ ...alice, port: 1 }, random(1));
    const talking = establish({ ...alice, port: 2 }, random(2));
    scheduler.pass(8000);
    core.receive(protectedRecord(), { ...alice, port: 2 });
    scheduler.pass(4500);
    expect(quiet.closedWith).toEqual({ error: undefined });
    expect(talking.closedWith).toBeUndefined();
    expect(core.stats.idle).toBe(1);
  });

  test("a session ends at the time that expiresAt gives (U11)", () => {
    let end = wallClock + 60_000;
    start({ expiresAt: () => new Date(end) });
    const one = establish(alice);
    end = wallClock + 600_000;
    const two = establish(bob);
    wallClock += 60_000;
    scheduler.pass(10_000);
    expect(one.closedWith?.error?.code).toBe("DTLS_CERTIFICATE_EXPIRED");
    expect(two.closedWith).toBeUndefined();
    wallClock += 600_000;
    scheduler.pass(10_000);
    expect(two.closedWith?.error?.code).toBe("DTLS_CERTIFICATE_EXPIRED");
  });

  test("a session whose end is past when it begins is none, and is told as a refusal (U11)", () => {
    start({ expiresAt: () => new Date(wallClock) });
    const association = establish(alice);
    expect(association.closedWith?.error?.code).toBe("DTLS_CERTIFICATE_EXPIRED");
    expect(sessions).toEqual([]);
    expect(refused).toMatchObject([
      {
        address: alice.address,
        error: { code: "DTLS_CERTIFICATE_EXPIRED" },
        claim: { certificateType: "PSK" },
      },
    ]);
    expect(core.stats).toMatchObject({ expired: 1, sessions: 0, serverRefusedCount: 1 });
  });

  test("associations are asked now and then to free what they need no longer", () => {
    const association = establish(alice);
    scheduler.pass(60_000);
    expect(association.tidied).toBe(1);
  });
});

describe("recheck (U11)", () => {
  test("asks about every peer, and closes those that are refused, with their alert", async () => {
    const asked: (string | undefined)[] = [];
    let revoked = "";
    start({
      verifyPeer: (claim) => {
        const name = Buffer.from(claim.pskIdentity ?? []).toString();
        asked.push(`${name} ${claim.resumed}`);
        if (name === revoked) throw new DtlsError("DTLS_CERTIFICATE_REVOKED", "revoked");
        return `${name} again`;
      },
      psk: () => key,
    });
    const one = establish({ ...alice, port: 1 }, random(1), "one");
    const two = establish({ ...alice, port: 2 }, random(2), "two");
    revoked = "two";
    await core.recheck();
    expect(asked).toEqual(["one true", "two true"]);
    expect(one.closedWith).toBeUndefined();
    expect(sessions[0]?.identity).toBe("one again");
    expect(two.closedWith?.error?.code).toBe("DTLS_CERTIFICATE_REVOKED");
  });

  test("a pre-shared key that is gone ends its sessions", async () => {
    let known = true;
    start({ psk: () => (known ? key : undefined) });
    const association = establish(alice);
    await core.recheck();
    expect(association.closedWith).toBeUndefined();
    known = false;
    await core.recheck();
    expect(association.closedWith?.error?.code).toBe("DTLS_UNKNOWN_PSK_IDENTITY");
  });

  test("a peer that was judged before it, and is established after it, is judged again", async () => {
    let refuses = false;
    start({
      psk: () => key,
      verifyPeer: () => {
        if (refuses) throw new DtlsError("DTLS_ACCESS_DENIED", "no");
      },
    });
    const association = begin(alice);
    association.onDatagram = () =>
      association.ask({ kind: "psk", identity: Buffer.from("somebody"), hint: undefined });
    core.receive(protectedRecord(), alice);
    refuses = true;
    await core.recheck();
    association.onDatagram = () => association.establish();
    core.receive(protectedRecord(), alice);
    expect(association.closedWith?.error?.code).toBe("DTLS_ACCESS_DENIED");
    // What is known at once is known before the application hears of it.
    expect(sessions).toEqual([]);
    expect(refused).toMatchObject([{ error: { code: "DTLS_ACCESS_DENIED" }, claim: { resumed: true } }]);
  });

  test("an answer of an earlier round that comes after a later one's is not what counts (U11)", async () => {
    const answers: PromiseWithResolvers<unknown>[] = [];
    start({
      psk: () => key,
      verifyPeer: () => {
        const answer = Promise.withResolvers<unknown>();
        answers.push(answer);
        return answer.promise;
      },
    });
    establish(alice);
    const rounds = [core.recheck(), core.recheck()];
    answers[1]?.resolve("guest");
    await rounds[1];
    answers[0]?.resolve("administrator");
    await rounds[0];
    expect(sessions[0]?.identity).toBe("guest");
  });

  test("a peer that verifyPeer has nothing to say about in the time of a handshake is refused", async () => {
    start({ psk: () => key, verifyPeer: () => new Promise(() => undefined), handshakeTimeout: 5000 });
    const association = establish(alice);
    const done = core.recheck();
    scheduler.pass(4999);
    expect(association.closedWith).toBeUndefined();
    scheduler.pass(1);
    await done;
    expect(association.closedWith?.error?.code).toBe("DTLS_CERTIFICATE_UNKNOWN");
  });
});

describe("sessions of ended connections", () => {
  const session = {
    sessionId: new Uint8Array(32).fill(1),
    ticket: undefined,
    cipherSuite: 0xc0a8,
    masterSecret: new Uint8Array(48),
    extendedMasterSecret: true,
    serverName: undefined,
    alpnProtocol: undefined,
    peerCertificateType: "PSK",
    peerChain: [],
    pskIdentity: Buffer.from("somebody"),
    expiresAt: Date.UTC(2030, 1),
  } as const;

  test("anybody can break a handshake that resumes: that does not take the session from its owner (B5)", () => {
    core.knowledge.storeSession(session, false);
    const association = begin(alice);
    association.ask({ kind: "session", sessionId: session.sessionId, ticket: undefined });
    association.onDatagram = () => association.close(new DtlsError("DTLS_BAD_FINISHED", "forged"));
    core.receive(protectedRecord(), alice);
    expect(core.knowledge.findSession(session.sessionId, undefined)).toBeDefined();
  });

  test("RFC 5246 §7.2.2: a session whose connection ended in a fatal alert is forgotten (R9)", () => {
    const store = (fatal: DtlsError | undefined) => {
      start();
      const association = begin(alice);
      association.ask({ kind: "store", session, asTicket: false });
      association.onDatagram = () => association.establish();
      core.receive(protectedRecord(), alice);
      association.close(fatal);
      association.onDatagram = () => undefined;
      core.receive(protectedRecord(), alice);
      return core.knowledge.findSession(session.sessionId, undefined);
    };
    expect(store(undefined)).toBeDefined();
    expect(store(new DtlsError("DTLS_IDLE", "quiet"))).toBeDefined();
    expect(store(new DtlsError("DTLS_PEER_ALERT", "bad"))).toBeUndefined();
  });
});

describe("callbacks (I)", () => {
  test("a session that was destroyed in its own callback gets nothing more", () => {
    const got: number[] = [];
    onSession = (session) => {
      session.onmessage = (data) => {
        got.push(data[0] ?? -1);
        session.destroy();
      };
    };
    const association = begin(alice);
    association.onDatagram = () => {
      association.establish();
      association.say({ type: "data", bytes: Uint8Array.of(1) }, { type: "data", bytes: Uint8Array.of(2) });
    };
    core.receive(protectedRecord(), alice);
    expect(got).toEqual([1]);
    expect(core.stats.sessions).toBe(0);
  });

  test("a callback that sends on a session that the same datagram closed has made no mistake", () => {
    onSession = (session) => {
      session.onmessage = (data) => session.send(data);
    };
    const association = establish(alice);
    association.onDatagram = () => {
      association.say({ type: "data", bytes: Uint8Array.of(1) });
      association.close();
    };
    core.receive(protectedRecord(), alice);
    expect(core.stats.messagesReceived).toBe(1);
    expect(callbackErrors).toEqual([]);
  });

  test("a callback of one session may end another: the loop over them goes on", () => {
    const associations = [1, 2, 3].map((port) => establish({ ...alice, port }, random(port)));
    for (const session of sessions) session.on("close", () => sessions.forEach((other) => other.destroy()));
    core.end((connection) => connection.close());
    expect(associations.every(({ state }) => state === "closed")).toBe(true);
    expect(core.stats.sessions).toBe(0);
  });

  test.each([
    [
      "throws",
      () => {
        throw new TypeError("a mistake");
      },
    ],
    ["returns no date at all", () => new Date(Number.NaN)],
  ])("expiresAt that %s loses the one session", (_how, expiresAt) => {
    start({ expiresAt });
    const association = establish(alice);
    expect(association.closedWith?.error?.code).toBe("DTLS_INTERNAL_ERROR");
    expect(callbackErrors).toHaveLength(1);
    expect(sessions).toEqual([]);
  });

  test("an answer that comes after the end is no error (U1)", async () => {
    const slow = Promise.withResolvers<Uint8Array | undefined>();
    start({ psk: () => slow.promise });
    const association = begin(alice);
    association.ask({ kind: "psk", identity: Buffer.from("somebody"), hint: undefined });
    core.receive(protectedRecord(), alice);
    association.close(new DtlsError("DTLS_HANDSHAKE_TIMEOUT", "late"));
    core.receive(protectedRecord(), alice);
    slow.resolve(key);
    await slow.promise;
    expect(core.stats.handshaking).toBe(0);
    expect(callbackErrors).toEqual([]);
  });
});

describe("several workers on one port (R11.8, U9)", () => {
  const foreign = Uint8Array.of(1, 7, 7, 7, 7, 7, 7, 7);
  let forwarded: { index: number; from: Address }[];
  let told: string[];
  let elsewhere: Map<string, number>;
  let isReachable: boolean;

  beforeEach(() => {
    forwarded = [];
    told = [];
    elsewhere = new Map();
    isReachable = true;
    start({
      worker: {
        index: 0,
        ticketKeys: new Uint8Array(48),
        attach: () => undefined,
        forward: (index, _datagram, from) => {
          if (isReachable) forwarded.push({ index, from });
          return isReachable;
        },
        ownerOf: (key) => elsewhere.get(key),
        own: ({ address, port }) => void told.push(`own ${address} ${port}`),
        disown: ({ address, port }) => void told.push(`disown ${address} ${port}`),
      },
    });
  });

  test("the first byte of a connection id says whose it is (G2)", () => {
    for (let index = 0; index < 50; index++) expect(core.settings.connectionIds?.make()[0]).toBe(0);
    core.receive(withConnectionId(foreign), alice);
    expect(forwarded).toEqual([{ index: 1, from: alice }]);
    expect(core.stats.packetsForwarded).toBe(1);
  });

  test("our own that nobody has is not sent round", () => {
    core.receive(withConnectionId(new Uint8Array(8)), alice);
    expect(forwarded).toEqual([]);
    expect(core.stats.discarded.unknown_connection_id).toBe(1);
  });

  test("what was handed on is not handed on again: no datagram goes in circles (D7)", () => {
    core.receive(withConnectionId(foreign), alice, true);
    elsewhere.set(`${alice.address}|${alice.port}`, 1);
    core.receive(protectedRecord(), alice, true);
    expect(forwarded).toEqual([]);
    expect(core.stats.discarded.wrong_worker).toBe(2);
  });

  test("what cannot be handed on is lost and counted", () => {
    isReachable = false;
    core.receive(withConnectionId(foreign), alice);
    expect(core.stats).toMatchObject({ packetsForwarded: 0, discarded: { wrong_worker: 1 } });
  });

  test("without connection ids the table of addresses says whose it is; nobody's is dropped", () => {
    elsewhere.set(`${alice.address}|${alice.port}`, 3);
    core.receive(protectedRecord(), alice);
    core.receive(protectedRecord(), bob);
    expect(forwarded).toEqual([{ index: 3, from: alice }]);
    expect(core.stats.discarded.unknown_address).toBe(1);
  });

  test("the others are told of associations without connection ids alone, and of their end (B5)", () => {
    const association = establish(alice);
    expect(told).toEqual(["own 192.0.2.1 1000"]);
    const other = begin(bob);
    other.onDatagram = () => {
      other.ownConnectionId = Uint8Array.of(0, 1, 1, 1, 1, 1, 1, 1);
      other.establish();
    };
    core.receive(protectedRecord(), bob);
    association.onDatagram = () => association.close();
    core.receive(protectedRecord(), alice);
    expect(told).toEqual(["own 192.0.2.1 1000", "disown 192.0.2.1 1000"]);
  });

  test("RFC 6347 §4.2.8: a peer that began anew at another worker has lost the association here (R10)", () => {
    const association = establish(alice);
    core.takenOver(bob);
    expect(association.closedWith).toBeUndefined();
    core.takenOver(alice);
    expect(association.closedWith?.error?.code).toBe("DTLS_PEER_GONE");
  });
});
