import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { heapUsed } from "../support/dtls/heap.ts";
import { ask, device, startEcho } from "../support/dtls-loopback.ts";

const flood = 100_000;
const perSecond = 15_000;
const pump = device();
const floodSender = new URL("../support/dtls/flood-sender.ts", import.meta.url);

test("100,000 spoofed ClientHellos on a real socket: memory stays, no more bytes out than in, and honest handshakes take less than a second (D1, D7)", async () => {
  await using echo = await startEcho();
  const { stats } = echo.endpoint;
  await (await handshake(echo)).close();
  const before = heapUsed();

  const sender = spawn(
    process.execPath,
    [fileURLToPath(floodSender), String(echo.port), String(flood), String(perSecond)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const said = text(sender.stdout);
  const over = once(sender, "exit");
  const durations: number[] = [];
  while (sender.exitCode === null) {
    const began = performance.now();
    const session = await handshake(echo);
    durations.push(performance.now() - began);
    expect(await ask(session, "hello")).toBe("hello");
    await session.close();
  }
  await over;
  expect(await said).toBe(`sent ${flood}\n`);

  // The system's buffer is finite, and a busy machine loses many. Without a good part this would be no flood.
  expect(stats.helloVerifyRequests).toBeGreaterThan(flood / 10);
  expect(durations.length).toBeGreaterThan(5);
  expect(Math.max(...durations)).toBeLessThan(1000);
  expect(stats.bytesSent).toBeLessThanOrEqual(stats.bytesReceived);
  expect(stats.handshakesStarted).toBe(stats.handshakesFull);
  expect(stats.handshaking).toBe(0);
  // Those of the honest clients are held by this test, not by the endpoint.
  echo.sessions.length = 0;
  expect(heapUsed() - before).toBeLessThan(4_000_000);
});

async function handshake(echo: Awaited<ReturnType<typeof startEcho>>) {
  const session = echo.connect({ ...pump, retransmission: { initialMs: 100 } });
  await session.opened;
  return session;
}
