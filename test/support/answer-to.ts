import { TestGateway, type TestPeer } from "./test-gateway.ts";
import { until } from "./until.ts";

/** Sends bytes to a gateway as the device d1, waits for the close, and gives the reason and what was answered. */
export async function answerTo(
  bytes: Buffer | ((peer: TestPeer) => Buffer),
  over: Parameters<typeof TestGateway.start>[0] = {},
): Promise<{ reason: string; received: string }> {
  await using at = await TestGateway.start(over);
  const peer = await at.peer("d1");
  const raw = await at.dial(peer.tls);
  raw.send(typeof bytes === "function" ? bytes(peer) : bytes);
  await raw.untilClosed();
  await until("a reason", () => at.events.some((event) => "reason" in event));
  const refused = at.eventsOf("connection.refused")[0] ?? at.eventsOf("session.closed")[0];
  return { reason: refused?.reason ?? "none", received: raw.received.toString("hex") };
}
