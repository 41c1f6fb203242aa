import { describe, expect, test } from "vitest";
import { deliver, drop, type Fate } from "../../../support/dtls/network.ts";
import { Pair, type PairOptions } from "../../../support/dtls/pair.ts";
import { suiteNamed } from "../../../support/dtls/settings.ts";

const key = Buffer.from("a secret that both have");
const byId: PairOptions = { server: { sessionIds: true } };
const byTicket: PairOptions = { server: { sessionTickets: true }, client: { sessionTickets: true } };

function withPsk(name: string): PairOptions {
  const cipherSuites = [suiteNamed(name)];
  return {
    client: { cipherSuites },
    server: { cipherSuites },
    clientApplication: { psk: { identity: "d1", key } },
    serverApplication: { pskStore: new Map([["d1", key]]) },
  };
}

/** What resumes a session of an earlier pair. */
function resuming(options: PairOptions): PairOptions {
  const first = new Pair(options).handshake();
  const session = first.clientSession.resumable;
  expect(session).toBeDefined();
  return { ...options, seed: 2, sessions: first.sessions, client: { ...options.client, session } };
}

const kinds: [string, PairOptions][] = [
  ["a full handshake", {}],
  ["a full handshake with a ticket", byTicket],
  ["a resumption by session id", resuming(byId)],
  ["a resumption by ticket", resuming(byTicket)],
  ["a handshake with a pre-shared key", withPsk("TLS_PSK_WITH_AES_128_CCM_8")],
  ["one with ECDHE too", withPsk("TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256")],
];

interface Lost {
  readonly by: "client" | "server";
  /** The nth datagram of that side. */
  readonly nth: number;
}

/** Plays it without the given datagrams. Returns when both sides were established, in milliseconds. */
function play(options: PairOptions, lost: readonly Lost[]): Pair {
  const latencyMs = 100;
  const fateOf =
    (side: "client" | "server") =>
    (_: Uint8Array, nth: number): Fate =>
      lost.some((one) => one.by === side && one.nth === nth) ? drop : deliver;
  const pair = new Pair({
    ...options,
    clientFaults: { latencyMs, fate: fateOf("client") },
    serverFaults: { latencyMs, fate: fateOf("server") },
  }).handshake();
  pair.network.heal();
  return pair;
}

describe.each(kinds)("%s", (_, options) => {
  test.each([1200, 256])(
    "RFC 6347 §4.2.4: completes without any one or two of its datagrams of %i bytes, after as many timers (R4.3, R4.4, R4.5)",
    (mtu) => {
      const small = { ...options, client: { ...options.client, mtu }, server: { ...options.server, mtu } };
      const clean = play(small, []);
      expect(clean.established).toBe(true);
      // Retransmissions may be lost as well as what they make up for.
      const losses = (["client", "server"] as const).flatMap((by) =>
        Array.from({ length: clean.sentBy(by).length + 2 }, (_one, nth): Lost => ({ by, nth })),
      );
      for (const [index, first] of losses.entries()) {
        for (const second of losses.slice(index)) {
          const pair = play(small, [first, second]);
          const what = JSON.stringify([first, second]);
          expect(pair.established, what).toBe(true);
          const late = pair.simulation.now - clean.simulation.now;
          // RFC 6347 §4.2.4.1: 1 s for the first loss, and 2 more if the same flight is lost again.
          expect(late, what).toBeLessThanOrEqual(first === second ? 1000 : 3000);
          expect(pair.echo("hello"), what).toBe("hello");
        }
      }
    },
  );
});
