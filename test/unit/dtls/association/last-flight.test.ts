import { describe, expect, test } from "vitest";
import { DuelWithServer } from "../../../support/dtls/duel.ts";
import { looksAt } from "../../../support/dtls/inspect.ts";
import { deliver, drop, dropFirst } from "../../../support/dtls/network.ts";
import { Pair } from "../../../support/dtls/pair.ts";

const largeTicket = new Uint8Array(900).fill(7);

describe("RFC 6347 §4.2.4: the last flight", () => {
  test("RFC 6347 §4.1.1.1: it too becomes smaller when it is lost again and again, as with a large ticket (R4.6, U7)", () => {
    const pair = new Pair({
      server: { sessionTickets: true },
      client: { sessionTickets: true },
      serverApplication: {
        onquestion: ({ kind }) => (kind === "store" ? { kind, ticket: largeTicket } : undefined),
      },
    });
    // The path takes 548 bytes. The flights before are let through, for they became smaller in time of their own.
    pair.network.setFaults(pair.server.address, {
      fate: (bytes) => (looksAt(bytes).includes("new_session_ticket") && bytes.length > 548 ? drop : deliver),
    });
    pair.handshake(20_000);
    expect(pair.established).toBe(true);
    expect(pair.clientSession.resumable?.ticket).toEqual(largeTicket);
  });

  test("RFC 6347 §4.2.4: it is kept for twice the MSL after it was last sent, and then tidied away (R4.4, U10)", () => {
    // A client that never hears it and never tires.
    const patient = {
      handshakeTimeoutMs: 10_000_000,
      retransmission: { initialMs: 1000, maximumMs: 100_000 },
    };
    const pair = new Pair({
      client: patient,
      serverFaults: { fate: dropFirst("change_cipher_spec", 1000) },
    });
    pair.client.start();
    pair.simulation.runFor(100_000);
    pair.serverSession.act((it) => it.tidy());
    const kept = pair.sentBy("server").length;
    pair.simulation.runFor(200_000);
    expect(pair.sentBy("server").length).toBeGreaterThan(kept);
    pair.network.setFaults(pair.client.address, { fate: () => drop });
    pair.simulation.runFor(240_001);
    pair.serverSession.act((it) => it.tidy());
    pair.network.heal();
    const before = pair.sentBy("server").length;
    pair.simulation.runFor(200_000);
    expect(pair.sentBy("server")).toHaveLength(before);
  });

  test("RFC 6347 §4.2.4: it answers each Finished that comes again, and not oftener than a client may honestly repeat it (R4.4)", () => {
    const duel = met();
    expect(looksOf(duel, repeatedFinished(duel))).toEqual(["change_cipher_spec", "encrypted handshake"]);
    for (let nth = 0; nth < 100; nth += 1) expect(looksOf(duel, repeatedFinished(duel))).toEqual([]);
    duel.server.simulation.runFor(1000);
    expect(looksOf(duel, repeatedFinished(duel))).toHaveLength(2);
  });

  test("whoever sends data has it, so that it is not sent again (R4.4, U10)", () => {
    const duel = met();
    duel.say("APPLICATION_DATA");
    expect(looksOf(duel, repeatedFinished(duel))).toEqual([]);
  });
});

function met(): DuelWithServer {
  const duel = new DuelWithServer();
  for (const name of duel.rightOrder) duel.say(name);
  expect(duel.session?.established).toBe(true);
  return duel;
}

/** With a new record sequence number, as RFC 6347 §4.2.4 wants it. */
function repeatedFinished({ adversary }: DuelWithServer): Uint8Array {
  return adversary.finished({ messageSeq: adversary.sendSeq - 1 });
}

function looksOf(duel: DuelWithServer, datagram: Uint8Array): string[] {
  return duel.server.feed(datagram).flatMap((bytes) => looksAt(bytes));
}
