import { expect } from "vitest";
import { until } from "../until.ts";
import { withCertificates } from "./common-features.ts";
import type { FeatureTest } from "./feature-tests.ts";
import { exchange, ourClient, ourServer } from "./ours.ts";
import { type Call, type Peer, serve, stop } from "./peer.ts";
import { freePort } from "./ports.ts";

/** How the server remembers a session: sealed in a ticket (RFC 5077), or under its id. */
export type Memory = "ticket" | "session id";

/** Their client twice at our server; `twice` returns when both handshakes are done. */
export function ourServerResumes<P extends Peer>(
  memory: Memory,
  twice: (peer: P, port: number, call: Call) => Promise<void>,
): FeatureTest<P> {
  return async (peer, credentials) => {
    const call = withCertificates(credentials);
    const options = { sessionTickets: memory === "ticket", sessionIds: memory === "session id" };
    await using server = await ourServer(peer.speech, call, options);
    await twice(peer, server.port, call);
    await until("two sessions", () => server.sessions.length === 2);
    expect(server.sessions.map(({ reused }) => reused)).toEqual([false, true]);
    const [first, second] = server.sessions;
    expect(second?.cipher).toEqual(first?.cipher);
    // Whose session it is is judged again, and is the same.
    expect(second?.identity).toEqual(first?.identity);
    expect(second?.peer?.certificateType).toBe("X509");
  };
}

/** Our client twice at their server. */
export function ourClientResumes<P extends Peer>(memory: Memory, flags: readonly string[]): FeatureTest<P> {
  return async (peer, credentials) => {
    const call = withCertificates(credentials);
    const { running, port } = await serve(peer, await freePort(), { ...call, flags });
    const options = { sessionTickets: memory === "ticket" };
    try {
      const first = ourClient(port, call, options);
      await first.opened;
      await exchange(first, peer.speech);
      expect(first.reused).toBe(false);
      const { session } = first;
      expect(session).toBeDefined();
      await first.close();
      const second = ourClient(port, call, { ...options, session });
      await second.opened;
      await exchange(second, peer.speech);
      expect(second.reused).toBe(true);
      expect(second.cipher).toEqual(first.cipher);
      await second.close();
    } finally {
      await stop(running);
    }
  };
}
