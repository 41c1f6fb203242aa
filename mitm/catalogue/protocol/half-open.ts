import { NotDelivered } from "../../errors.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import type { RawTcp } from "../../path/raw-tcp.ts";

/** What a target that says nothing of it is given for a handshake, ms. */
const longestHandshakeMs = 15_000;

/** How long to wait for the target's own time-out: well beyond what it says. */
export function handshakeLimit({ target: { handshakeTimeoutMs } }: GatewayLab): number {
  return handshakeTimeoutMs === undefined ? longestHandshakeMs : 2 * handshakeTimeoutMs + 1_000;
}

/** Connections without a word, opened all at once. Those that the target refuses are among them. */
export async function openSilent(lab: GatewayLab, count: number): Promise<RawTcp[]> {
  const opening = Array.from({ length: count }, () => lab.tcp());
  // One that cannot be opened is as good as refused.
  const all = (await Promise.allSettled(opening)).flatMap((one) =>
    one.status === "fulfilled" ? [one.value] : [],
  );
  const [first] = all;
  if (first === undefined) throw new NotDelivered("no connection could be opened");
  lab.recorder.step({
    connection: first.connection,
    from: "lab",
    to: "gateway",
    what: `${all.length} connections, and nothing on them`,
    attack: true,
  });
  return all;
}

/** How many of them the target has not ended when the time is over, or when all are. */
export async function stillOpen(all: readonly RawTcp[], ms: number): Promise<number> {
  const deadline = performance.now() + ms;
  const ends = all.map(async (raw) => {
    for (;;) {
      const next = await raw.read(Math.max(1, deadline - performance.now()));
      if (next.kind === "closed" || next.kind === "silence") return next.kind === "closed" ? 0 : 1;
    }
  });
  let open = 0;
  for (const end of ends) open += await end;
  return open;
}

/** Those that the target ended long before its time-out, of connections that have just been opened. */
export async function refusedAtOnce(lab: GatewayLab, all: readonly RawTcp[], ms: number): Promise<number> {
  await Promise.race(all.map((raw) => raw.read(ms)));
  await stillOpen(all, 100);
  const atOnceMs = 0.8 * (lab.target.handshakeTimeoutMs ?? longestHandshakeMs);
  return all.filter(({ endedAfterMs }) => endedAfterMs !== undefined && endedAfterMs < atOnceMs).length;
}
