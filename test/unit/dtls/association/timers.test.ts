import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Association } from "../../../../dtls/association/association.ts";
import { Prng } from "../../../../mitm/prng.ts";
import { Pair } from "../../../support/dtls/pair.ts";
import { withHeaderOf } from "../../../support/dtls/refragment.ts";
import type { Session } from "../../../support/dtls/session.ts";
import { connectionIds } from "../../../support/dtls/settings.ts";

const none = { length: 0, make: () => new Uint8Array() };
const alert = withHeaderOf({ type: 21, version: 0xfefd, epoch: 0 }, 1000, Uint8Array.of(2, 40));

/** Whether a timeout before its time does nothing, and leaves the next one ahead when it was due. */
function timeoutIsRight(session: Session, now: number): boolean {
  const { association, outputs } = session;
  const { deadline } = association;
  const before = outputs.length;
  session.act((it: Association) => it.handleTimeout());
  const due = deadline !== undefined && deadline <= now;
  if (due) return (association.deadline ?? Number.POSITIVE_INFINITY) > now;
  return outputs.length === before && association.deadline === deadline;
}

const scenario = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  drop: fc.constantFrom(0, 0.2, 0.5, 1),
  answerDelayMs: fc.constantFrom(0, 700, 4000),
  alertAtMs: fc.nat(5000),
  moves: fc.boolean(),
  checks: fc.boolean(),
});

describe("time", () => {
  test("RFC 6347 §4.2.4: a timeout that is due moves the deadline ahead or takes it away, and one that is not does nothing (R4, U1)", () => {
    fc.assert(
      fc.property(scenario, ({ seed, drop, answerDelayMs, alertAtMs, moves, checks }) => {
        const pair = new Pair({
          seed,
          answerDelayMs,
          clientFaults: { drop, latencyMs: 30 },
          serverFaults: { drop, latencyMs: 30 },
          server: { connectionIds: connectionIds(new Prng(seed)), returnRoutabilityCheck: checks },
          client: { connectionIds: none, returnRoutabilityCheck: checks },
        });
        pair.client.start();
        pair.network.inject(pair.server.address, pair.client.address, alert, alertAtMs);
        for (let step = 0; step < 40; step += 1) {
          pair.simulation.runFor(step < 20 ? 130 : 2300);
          for (const session of [pair.clientSession, ...pair.server.sessions]) {
            expect(timeoutIsRight(session, pair.simulation.now)).toBe(true);
          }
          if (!moves || !pair.established || pair.clientSession.closed) continue;
          pair.network.rebind(pair.client.address, { address: "203.0.113.5", port: 1000 + step });
          pair.client.send(Uint8Array.of(step));
        }
        // Nothing goes on for ever: a handshake ends by its time, an association has nothing to do.
        pair.simulation.runFor(70_000);
        for (const { association } of [pair.clientSession, ...pair.server.sessions]) {
          expect(association.state).not.toBe("handshaking");
          expect(association.deadline).toBeUndefined();
        }
      }),
    );
  });
});
