import { describe, expect, test } from "vitest";
import type { Address } from "../../../../dtls/association/settings.ts";
import { Prng } from "../../../../mitm/prng.ts";
import { drop } from "../../../support/dtls/network.ts";
import { Pair } from "../../../support/dtls/pair.ts";
import { connectionIds } from "../../../support/dtls/settings.ts";

const victim: Address = { address: "203.0.113.5", port: 2000 };
const none = { length: 0, make: () => new Uint8Array() };

function established(returnRoutabilityCheck: boolean): Pair {
  const pair = new Pair({
    server: { connectionIds: connectionIds(new Prng(7)), returnRoutabilityCheck },
    client: { connectionIds: none, returnRoutabilityCheck },
  }).handshake();
  expect(pair.established).toBe(true);
  pair.server.echo = false;
  return pair;
}

/** `count` records of the client in one datagram, which was not sent yet. */
function manyRecords(pair: Pair, count: number): Uint8Array {
  pair.network.setFaults(pair.client.address, { fate: () => drop });
  const before = pair.sentBy("client").length;
  for (let nth = 0; nth < count; nth += 1) pair.client.send(Uint8Array.of(nth));
  return Buffer.concat(
    pair
      .sentBy("client")
      .slice(before)
      .map(({ bytes }) => bytes),
  );
}

describe.each([true, false])("with return routability check: %s", (checks) => {
  test("RFC 9146 §6: each byte from an address that proved nothing counts once, in however many records it came (G3)", () => {
    const pair = established(checks);
    const datagram = manyRecords(pair, 25);
    pair.network.inject(victim, pair.server.address, datagram);
    pair.simulation.runFor(0);
    expect(pair.serverSession.received).toHaveLength(25);
    for (let nth = 0; nth < 500; nth += 1) pair.serverSession.act((it) => it.send(new Uint8Array(1000)));
    pair.simulation.runFor(10_000);
    const toVictim = pair.sentBy("server").filter(({ to }) => to.address === victim.address);
    const bytes = toVictim.reduce((sum, { bytes: { length } }) => sum + length, 0);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(3 * datagram.length);
  });
});

test("RFC 9146 §6: an empty connection id is none: a record from another address is delivered and moves nothing (R11.1, G1)", () => {
  const pair = new Pair({ server: { connectionIds: none }, client: { connectionIds: none } }).handshake();
  const { association } = pair.serverSession;
  expect(association.ownConnectionId).toBeUndefined();
  pair.server.echo = false;
  const datagram = manyRecords(pair, 1);
  pair.serverSession.act((it) => it.handleDatagram(datagram, victim));
  expect(pair.serverSession.received).toHaveLength(1);
  expect(association.address).toEqual(pair.client.address);
});
