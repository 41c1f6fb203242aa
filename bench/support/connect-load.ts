import type { SecureContext } from "node:tls";
import type { Job } from "./load.ts";
import { type Measured, sleep, Window } from "./measure.ts";
import { residentBytes } from "./proc.ts";
import { classicGroup, clientContext, hybridGroups, RawClient } from "./raw-client.ts";
import { connectConcurrency, type Workload } from "./workloads.ts";

/** Connects, waits for CONNACK, disconnects, over and over, a fixed number at once. */
export async function connectLoad(
  job: Job,
  { resume, hybrid }: Extract<Workload, { kind: "connect" }>,
): Promise<Measured> {
  const devices = contexts(job, hybrid ? hybridGroups : classicGroup);
  // Resumption is measured with one device and one ticket: TLS 1.3 servers let a ticket be used again,
  // and Node's hands out no new one on a resumed handshake.
  const ticket = resume ? await firstTicket(job, devices[0]) : undefined;
  const window = new Window(job.pid, job.settleMs, job.windowMs);
  const stop = new AbortController();
  let connects = 0;
  let resumed = 0;
  const worker = async () => {
    while (!stop.signal.aborted) {
      const number = connects++;
      const device = devices[resume ? 0 : number % devices.length] ?? unreachable();
      const client = await RawClient.open({
        port: job.port,
        context: device.context,
        clientId: `${device.id}/${number % 60_000}`,
        ...(ticket === undefined ? {} : { resume: ticket }),
      });
      if (client.socket.isSessionReused()) resumed++;
      await client.close();
      window.operations++;
    }
  };
  const workers = Promise.all(Array.from({ length: connectConcurrency }, worker));
  const measured = await Promise.race([window.run(), workers.then(() => unreachable())]).finally(() => {
    stop.abort();
  });
  await workers;
  return resume ? { ...measured, resumed: resumed / connects } : measured;
}

/** Opens connections that say nothing, and reads how much the broker's resident memory grew. */
export async function idleLoad(job: Job): Promise<Measured> {
  const devices = contexts(job, classicGroup);
  // What the first connections cost once (code, pools, tickets) is no cost per connection.
  await closeAll(await openMany(job, devices, connectConcurrency));
  await sleep(job.settleMs);
  const before = residentBytes(job.pid);
  const started = performance.now();
  const clients = await openMany(job, devices, job.idleConnections);
  const wallMs = performance.now() - started;
  await sleep(1_000);
  const bytesEach = (residentBytes(job.pid) - before) / clients.length;
  await closeAll(clients);
  return { operations: clients.length, wallMs, cpuNs: 0, generatorCpuMs: 0, bytesEach };
}

interface Device {
  readonly id: string;
  readonly context: SecureContext;
}

function contexts(job: Job, groups: string): Device[] {
  return job.pki.devices.map((files) => ({
    id: files.id,
    context: clientContext(files, job.pki.ca, groups),
  }));
}

async function openMany(job: Job, devices: readonly Device[], count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const number = next++;
      const device = devices[number % devices.length] ?? unreachable();
      clients.push(
        await RawClient.open({
          port: job.port,
          context: device.context,
          clientId: `${device.id}/idle-${number}`,
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: connectConcurrency }, worker));
  return clients;
}

async function closeAll(clients: readonly RawClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}

async function firstTicket(job: Job, device: Device = unreachable()): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const client = await RawClient.open({
    port: job.port,
    context: device.context,
    clientId: `${device.id}/first`,
    onSession: resolve,
  });
  const ticket = await Promise.race([promise, sleep(5_000)]);
  await client.close();
  if (ticket === undefined) throw new Error("the broker sent no session ticket");
  return ticket;
}

function unreachable(): never {
  throw new Error("unreachable: no device in the bench PKI");
}
