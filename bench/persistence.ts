/**
 * Durable QoS 1 messages a second for one subscriber with a kept session (store, deliver, acknowledge, remove), as
 * the gateway stores them: with synchronous=FULL, with synchronous=OFF (what the promise costs), and beside the raw
 * rate at which this disk takes one small write and an fsync.
 *
 *     node bench/persistence.ts [--json] [--directory <where the file shall lie>]
 */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  openPersistence,
  type PublishedPacket,
  type SqlitePersistence,
} from "../gateway/persistence/index.ts";

const windowMs = 1500;
const rounds = 3;
const payloadBytes = 200;
const { values } = parseArgs({ options: { json: { type: "boolean" }, directory: { type: "string" } } });

let counter = 0;

interface Row {
  readonly synchronous: "full" | "off";
  readonly outstanding: number;
  readonly perSecond: number;
  readonly perTransaction: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const directory = mkdtempSync(join(values.directory ?? tmpdir(), "sallyport-bench-"));
try {
  const fsyncs = median(Array.from({ length: rounds }, () => rawFsyncRate()));
  const rows: Row[] = [];
  for (const outstanding of [1, 20, 1000]) {
    for (const synchronous of ["full", "off"] as const) {
      const measured: Row[] = [];
      for (let round = 0; round < rounds; round++) measured.push(await messageRate(synchronous, outstanding));
      measured.sort((a, b) => a.perSecond - b.perSecond);
      const middle = measured[Math.floor(rounds / 2)];
      if (middle !== undefined) rows.push(middle);
    }
  }
  if (values.json === true) console.log(JSON.stringify({ fsyncsPerSecond: fsyncs, rows }));
  else {
    console.log(`write + fsync, raw: ${Math.round(fsyncs)} a second; medians of ${rounds} rounds`);
    console.table(rows);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function rawFsyncRate(): number {
  const file = openSync(join(directory, "raw"), "w");
  const page = Buffer.alloc(4096, 1);
  const start = performance.now();
  let done = 0;
  // SQLite's WAL appends; so does this.
  for (; performance.now() - start < windowMs; done++) {
    writeSync(file, page);
    fsyncSync(file);
  }
  const seconds = (performance.now() - start) / 1000;
  closeSync(file);
  return done / seconds;
}

async function messageRate(synchronous: "full" | "off", outstanding: number): Promise<Row> {
  const path = join(directory, "broker.sqlite");
  for (const end of ["", "-wal"]) rmSync(path + end, { force: true });
  const persistence = await openPersistence(path, { dangerouslySynchronous: synchronous });
  await persistence.addSubscriptions({ id: "sub" }, [{ topic: "devices/+/up/#", qos: 1 }]);
  const before = persistence.stats().transactions;
  const latencies: number[] = [];
  const start = performance.now();
  const publisher = async (id: number) => {
    while (performance.now() - start < windowMs) {
      const sent = performance.now();
      await roundTrip(persistence, id);
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: outstanding }, (_, id) => publisher(id)));
  const seconds = (performance.now() - start) / 1000;
  const transactions = persistence.stats().transactions - before;
  await persistence.destroy();
  latencies.sort((a, b) => a - b);
  const percentile = (p: number) => Number((latencies[Math.floor(latencies.length * p)] ?? NaN).toFixed(2));
  return {
    synchronous,
    outstanding,
    perSecond: Math.round(latencies.length / seconds),
    perTransaction: Number((latencies.length / transactions).toFixed(1)),
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
  };
}

/** What the broker does for one message: the time until PUBACK may go out is what `storeInbound` takes. */
async function roundTrip(persistence: SqlitePersistence, id: number): Promise<void> {
  const payload = Buffer.alloc(payloadBytes, id);
  const packet: PublishedPacket = { topic: `devices/d${id}/up/t`, payload, qos: 1, retain: false };
  await persistence.storeInbound({ id: `d${id}` }, packet);
  const numbered = { ...packet, brokerId: "bench", brokerCounter: ++counter, messageId: counter % 0x7fff };
  await persistence.outgoingEnqueueCombi(await persistence.subscriptionsByTopic(packet.topic), numbered);
  await persistence.outgoingUpdate({ id: "sub" }, numbered);
  await persistence.outgoingClearMessageId({ id: "sub" }, numbered);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}
