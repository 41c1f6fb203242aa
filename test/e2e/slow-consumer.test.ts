import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningBroker, startBroker } from "../../bench/support/brokers.ts";
import { type BenchPki, makeBenchPki } from "../../bench/support/certificates.ts";
import { firstByte, PublishTemplate } from "../../bench/support/mqtt-packets.ts";
import { residentBytes } from "../../bench/support/proc.ts";
import { clientContext, RawClient } from "../../bench/support/raw-client.ts";

const publisherCount = 150;
/** All publishers together; with 4 kB each the kernel's own buffers (about 10 MB) are full after two seconds. */
const hotPerSecond = 1_500;
const hotBytes = 4_096;
const calmPerSecond = 100;
/** Long enough for the frozen subscriber's queue to pass every bound; plain Aedes stands still for 60 s. */
const frozenMs = 10_000;

let pki: BenchPki;
let gateway: RunningBroker;

beforeAll(async () => {
  pki = await makeBenchPki(mkdtempSync(join(tmpdir(), "sallyport-slow-")), 51);
  gateway = await startBroker("gateway", pki);
});

afterAll(async () => {
  await gateway?.stop();
  if (pki !== undefined) rmSync(pki.directory, { recursive: true, force: true });
});

test("one frozen subscriber beside 150 publishers: unrelated topics keep their rate and memory stays bounded", async () => {
  const frozen = await operator("frozen");
  const healthy = await operator("healthy");
  const calmReader = await operator("calm");
  await frozen.subscribe("devices/+/up/hot", 0);
  await healthy.subscribe("devices/+/up/hot", 0);
  await calmReader.subscribe("devices/+/up/calm", 0);
  const hot = counted(healthy);
  const calm = counted(calmReader);
  const stop = await publish(hot, calm);

  await until("messages flow", () => hot.delivered > hotPerSecond && calm.delivered > calmPerSecond);
  const before = await ratesOver(3_000, { hot, calm });
  const residentBefore = residentBytes(gateway.pid);

  frozen.socket.pause();
  calm.longestGapMs = 0;
  let residentPeak = 0;
  const watch = setInterval(() => {
    residentPeak = Math.max(residentPeak, residentBytes(gateway.pid));
  }, 100);
  const during = await ratesOver(frozenMs, { hot, calm });
  clearInterval(watch);
  stop();

  // A ratio of what arrived to what was sent in the same seconds: a busy machine slows both.
  expect(during.calm.arrived / during.calm.sent, "unrelated topic").toBeGreaterThan(0.8);
  expect(during.hot.arrived / during.hot.sent, "the same topic, another subscriber").toBeGreaterThan(0.8);
  expect(during.calm.perSecond / before.calm.perSecond, "rate while frozen against before").toBeGreaterThan(
    0.5,
  );
  expect(calm.longestGapMs, "longest silence on the unrelated topic").toBeLessThan(2_500);
  expect((residentPeak - residentBefore) / 2 ** 20, "growth in MiB").toBeLessThan(120);

  // Cut, not kept waiting: what the kernel still holds is read, then the end.
  const ended = new Promise<void>((resolve) => frozen.socket.once("close", () => resolve()));
  frozen.socket.resume();
  await Promise.race([ended, delay(10_000).then(() => expect.fail("the frozen subscriber was never cut"))]);
  await until("nothing was lost on the unrelated topic", () => calm.delivered === calm.sent);
}, 60_000);

interface Flow {
  sent: number;
  delivered: number;
  longestGapMs: number;
}

interface Rate {
  readonly sent: number;
  readonly arrived: number;
  readonly perSecond: number;
}

/** Counts what a subscriber receives. */
function counted(subscriber: RawClient): Flow {
  const flow: Flow = { sent: 0, delivered: 0, longestGapMs: 0 };
  let last = performance.now();
  subscriber.onPacket = (first) => {
    if ((first & 0xf0) !== firstByte.publish) return;
    const now = performance.now();
    flow.longestGapMs = Math.max(flow.longestGapMs, now - last);
    last = now;
    flow.delivered++;
  };
  return flow;
}

/** Keeps both kinds of publisher at their rate until told to stop. */
async function publish(hot: Flow, calm: Flow): Promise<() => void> {
  const senders = await Promise.all(
    Array.from({ length: publisherCount }, (_, i) => device(i % 50, `pub-${Math.floor(i / 50)}`)),
  );
  const templates = senders.map((sender, i) => new PublishTemplate(topic(sender, "hot"), 0, hotBytes, i));
  const calmSender = await device(50, "pub");
  const calmTemplate = new PublishTemplate(topic(calmSender, "calm"), 0, 100, 0);
  const started = performance.now();
  const timer = setInterval(() => {
    const seconds = (performance.now() - started) / 1_000;
    for (; hot.sent < seconds * hotPerSecond; hot.sent++) {
      send(senders[hot.sent % publisherCount], templates[hot.sent % publisherCount]);
    }
    for (; calm.sent < seconds * calmPerSecond; calm.sent++) send(calmSender, calmTemplate);
  }, 5);
  return () => clearInterval(timer);
}

function send(sender: RawClient | undefined, template: PublishTemplate | undefined): void {
  if (sender === undefined || template === undefined) throw new Error("unreachable: no such publisher");
  const bytes = Buffer.allocUnsafe(template.length);
  template.copyTo(bytes, 0, 0, performance.now());
  sender.socket.write(bytes);
}

/** What each flow sent and received over some time, side by side. */
async function ratesOver(
  ms: number,
  { hot, calm }: { hot: Flow; calm: Flow },
): Promise<{ hot: Rate; calm: Rate }> {
  const started = performance.now();
  const start = { hot: { ...hot }, calm: { ...calm } };
  await delay(ms);
  const seconds = (performance.now() - started) / 1_000;
  const rate = (now: Flow, then: Flow): Rate => {
    const arrived = now.delivered - then.delivered;
    return { arrived, sent: now.sent - then.sent, perSecond: arrived / seconds };
  };
  return { hot: rate(hot, start.hot), calm: rate(calm, start.calm) };
}

function topic(sender: RawClient, leaf: string): string {
  return `devices/${sender.clientId.split("/")[0] ?? ""}/up/${leaf}`;
}

function device(number: number, session: string): Promise<RawClient> {
  const files = pki.devices[number];
  if (files === undefined) throw new Error(`unreachable: no device ${number}`);
  const context = clientContext(files, pki.ca);
  return RawClient.open({ port: gateway.port, context, clientId: `${files.id}/${session}` });
}

function operator(session: string): Promise<RawClient> {
  const context = clientContext(pki.operator, pki.ca);
  return RawClient.open({ port: gateway.port, context, clientId: `${pki.operator.id}/${session}` });
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
    await delay(20);
  }
}
