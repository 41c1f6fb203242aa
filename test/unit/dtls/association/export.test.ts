import { describe, expect, test } from "vitest";
import type { AssociationState } from "../../../../dtls/association/association-state.ts";
import { AuthenticatedPeer } from "../../../../dtls/handshake/peer.ts";
import { Prng } from "../../../../mitm/prng.ts";
import { reimport } from "../../../support/dtls/imported.ts";
import { recordsIn } from "../../../support/dtls/inspect.ts";
import { drop } from "../../../support/dtls/network.ts";
import { Pair, type PairOptions } from "../../../support/dtls/pair.ts";
import { withHeaderOf } from "../../../support/dtls/refragment.ts";
import { connectionIds } from "../../../support/dtls/settings.ts";

const sides = ["client", "server"] as const;
const closed = expect.objectContaining({ code: "DTLS_CLOSED" });
const label = "EXPORTER-test";

function texts(received: readonly Uint8Array[]): string[] {
  return received.map((bytes) => Buffer.from(bytes).toString());
}

/** The record sequence numbers of epoch 1 that a side has used, in their order. */
function sequences(pair: Pair, side: (typeof sides)[number]): number[] {
  return pair
    .sentBy(side)
    .flatMap(({ bytes }) => recordsIn(bytes))
    .filter(({ epoch }) => epoch === 1)
    .map(({ sequence }) => sequence);
}

function met(options: PairOptions = {}): Pair {
  const pair = new Pair(options).handshake();
  expect(pair.established).toBe(true);
  pair.server.echo = false;
  return pair;
}

describe.each(sides)("the association of a %s goes on elsewhere", (side) => {
  const other = side === "client" ? "server" : "client";

  test("data goes both ways, and the peer notices nothing (U3)", () => {
    const pair = met();
    const peer = other === "client" ? pair.clientSession : pair.serverSession;
    const moved = reimport(pair, side);
    moved.act((it) => it.send(Buffer.from("from the new one")));
    peer.act((it) => it.send(Buffer.from("to the new one")));
    pair.simulation.runFor(10);
    expect(texts(peer.received)).toEqual(["from the new one"]);
    expect(texts(moved.received)).toEqual(["to the new one"]);
    moved.act((it) => it.close());
    pair.simulation.runFor(10);
    expect([peer.closed, peer.error]).toEqual([true, undefined]);
  });

  test("RFC 6347 §4.1: record sequence numbers go on, for two records of one number would share a nonce (F2, F3)", () => {
    const pair = met();
    const own = side === "client" ? pair.clientSession : pair.serverSession;
    for (let nth = 0; nth < 3; nth += 1) own.act((it) => it.send(Buffer.from("before")));
    const moved = reimport(pair, side);
    for (let nth = 0; nth < 3; nth += 1) moved.act((it) => it.send(Buffer.from("after")));
    const used = sequences(pair, side);
    expect(used).toEqual(used.map((_, index) => index));
    expect(used.length).toBeGreaterThan(6);
  });

  test("the old one is dead: it sends nothing, takes nothing and is exported once (F3, U3)", () => {
    const pair = met();
    const own = side === "client" ? pair.clientSession : pair.serverSession;
    pair.network.setFaults(pair[other].address, { fate: () => drop });
    const peer = other === "client" ? pair.clientSession : pair.serverSession;
    peer.act((it) => it.send(Buffer.from("late")));
    const late = pair.sentBy(other).at(-1)?.bytes ?? new Uint8Array();
    const before = pair.sent.length;
    own.act((it) => it.exportState());
    expect(() => own.association.send(Buffer.from("x"))).toThrow(closed);
    expect(() => own.association.exportState()).toThrow(closed);
    expect(() => own.association.exportKeyingMaterial(label, 16)).toThrow(closed);
    own.act((it) => it.handleDatagram(late, pair[other].address));
    own.act((it) => it.close());
    expect(pair.sent, "not even close_notify").toHaveLength(before);
    expect([own.closed, own.error, texts(own.received)]).toEqual([true, undefined, []]);
    expect(own.association.deadline).toBeUndefined();
  });

  test("RFC 6347 §4.1.2.6: what was received before is not received again (F1, U3)", () => {
    const pair = met();
    const peer = other === "client" ? pair.clientSession : pair.serverSession;
    peer.act((it) => it.send(Buffer.from("once")));
    pair.simulation.runFor(10);
    const moved = reimport(pair, side);
    for (const { from, to, bytes } of pair.sentBy(other)) pair.network.inject(from, to, bytes);
    pair.simulation.runFor(10);
    expect(moved.received).toEqual([]);
    expect(moved.discarded).toContain("replayed");
  });

  test("everything that is known of it is known on (U3)", () => {
    const alpn = { alpnProtocols: ["coap"] };
    const pair = met({ client: alpn, server: alpn });
    const own = (side === "client" ? pair.clientSession : pair.serverSession).association;
    const { cipherSuite, alpnProtocol, serverName, maxPlaintext, resumed, address, peer } = own;
    const key = own.exportKeyingMaterial(label, 32);
    const moved = reimport(pair, side).association;
    expect(moved).toMatchObject({ cipherSuite, alpnProtocol, serverName, maxPlaintext, resumed, address });
    expect(moved.exportKeyingMaterial(label, 32)).toEqual(key);
    expect(AuthenticatedPeer.is(moved.peer)).toBe(true);
    expect(moved.peer?.chain).toEqual(peer?.chain);
    expect(moved.peer?.identity, "as the application says now").toBe("judged anew");
  });

  test("records that failed before count on towards the cipher's limit (F6)", () => {
    const pair = met();
    const forged = withHeaderOf({ type: 23, version: 0xfefd, epoch: 1 }, 77, new Uint8Array(40));
    for (let nth = 0; nth < 3; nth += 1) {
      pair.network.inject(pair[other].address, pair[side].address, forged);
    }
    pair.simulation.runFor(10);
    const states: AssociationState[] = [];
    reimport(pair, side, {
      change(state) {
        states.push(state);
        return state;
      },
    });
    expect(states[0]?.opener.failures).toBe(3);
    expect(states[0]?.sealer.sealedBytes).toBeGreaterThan(0);
    expect(() => structuredClone(states[0]), "plain data").not.toThrow();
  });
});

test("RFC 9146 §3: connection ids, and where the peer is by now, go on (G2, U3, U4)", () => {
  const none = { length: 0, make: () => new Uint8Array() };
  const settings = { connectionIds: connectionIds(new Prng(7)) };
  const pair = met({ server: settings, client: { connectionIds: none } });
  const elsewhere = { address: "203.0.113.5", port: 2000 };
  pair.network.rebind(pair.client.address, elsewhere);
  pair.client.send(Buffer.from("moved"));
  pair.simulation.runFor(10);
  const id = pair.serverSession.association.ownConnectionId;
  const moved = reimport(pair, "server", { settings });
  expect(moved.association.ownConnectionId).toEqual(id);
  expect(moved.association.address).toEqual(elsewhere);
  pair.network.rebind(pair.client.address, { address: "203.0.113.5", port: 3000 });
  pair.client.send(Buffer.from("moved again"));
  pair.simulation.runFor(10);
  expect(texts(moved.received)).toEqual(["moved again"]);
  expect(moved.association.address.port).toBe(3000);
});

test("a handshake is not exported (U3)", () => {
  const pair = new Pair();
  expect(() => pair.clientSession.association.exportState()).toThrow(closed);
  pair.client.start();
  expect(() => pair.clientSession.association.exportState()).toThrow(closed);
  expect(pair.clientSession.closed).toBe(false);
});
