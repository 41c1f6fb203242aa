/* oxlint-disable unicorn/require-post-message-target-origin -- these ports are threads, not windows */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, test } from "vitest";
import {
  type ConnectOptions,
  connect,
  type DTLSSession,
  startWorkers,
  type WorkerPool,
} from "../../dtls/index.ts";
import { startRelay } from "../support/dtls-interop/relay.ts";
import { ask, ca, device, server } from "../support/dtls-loopback.ts";
import { until } from "../support/until.ts";

const file = new URL("../support/dtls-endpoint/echo-worker.ts", import.meta.url);

async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

async function startPool(count: number): Promise<{ pool: WorkerPool; port: number }> {
  const port = await freePort();
  const pool = startWorkers(file, { count, workerData: { port, ca, ...server } });
  await Promise.all(
    pool.workers.flatMap((worker) => (worker === undefined ? [] : [once(worker, "message")])),
  );
  return { pool, port };
}

async function total(pool: WorkerPool, counter: "packetsForwarded"): Promise<number> {
  const all = pool.workers.map(async (worker) => {
    if (worker === undefined) return 0;
    const message = once(worker, "message");
    worker.postMessage("stats");
    return Number((await message)[0].stats[counter]);
  });
  return (await Promise.all(all)).reduce((sum, value) => sum + value, 0);
}

/** The number of the worker that has the association. */
async function workerOf(session: DTLSSession): Promise<string> {
  return (await ask(session, "who")).split(" ")[0] ?? "";
}

async function open(port: number, options: ConnectOptions = {}): Promise<DTLSSession> {
  const session = connect("127.0.0.1", port, { ca, ...device(), ...options });
  await session.opened;
  return session;
}

test("several threads share a port; a client that moves stays with its own, by connection id (U4, U9, R11.8)", async () => {
  const { pool, port } = await startPool(2);
  await using relay = await startRelay(port);
  await using session = await open(relay.port);
  const owner = await workerOf(session);
  let forwarded = 0;
  // Each new port is for one of the two, by chance.
  for (let move = 0; move < 20 && forwarded === 0; move++) {
    await relay.rebind();
    expect(await workerOf(session)).toBe(owner);
    forwarded = await total(pool, "packetsForwarded");
  }
  expect(forwarded).toBeGreaterThan(0);
  await session.close();
  await pool.close();
});

test("a client resumes at whichever thread its datagrams get to, by ticket", async () => {
  const { pool, port } = await startPool(2);
  const first = await open(port);
  const { session } = first;
  await first.close();
  const reached = new Set<string>();
  for (let attempt = 0; attempt < 30 && reached.size < 2; attempt++) {
    const next = await open(port, { session });
    expect(next.reused).toBe(true);
    reached.add(await workerOf(next));
    await next.close();
  }
  expect(reached.size).toBe(2);
  await pool.close();
});

test("a thread that dies takes only its own clients with it, and is replaced (U9)", async () => {
  const { pool, port } = await startPool(3);
  const exits: number[] = [];
  pool.on("exit", ({ index }) => exits.push(index));
  const sessions: DTLSSession[] = [];
  for (let index = 0; index < 12; index++) sessions.push(await open(port, { connectionId: index % 2 === 0 }));
  const owners = await Promise.all(sessions.map(workerOf));
  const victim = owners[0] ?? "0";
  sessions[0]?.send("die");
  await until("it has died", () => exits.length === 1);
  expect(exits).toEqual([Number(victim)]);
  await until("it is back", () => pool.workers[Number(victim)] !== undefined);
  const replacement = pool.workers[Number(victim)];
  if (replacement !== undefined) await once(replacement, "message");
  // Half of all addresses belong to another socket now.
  const kept = [...sessions.keys()].filter((index) => owners[index] !== victim);
  for (const index of kept) {
    const session = sessions[index];
    expect(session === undefined ? "" : await workerOf(session)).toBe(owners[index]);
  }
  for (const [index, session] of sessions.entries()) if (!kept.includes(index)) session.destroy();
  const late = await open(port);
  expect(await ask(late, "hello")).toMatch(/^\d hello$/);
  await Promise.all(
    [...sessions, late].filter(({ destroyed }) => !destroyed).map((session) => session.close()),
  );
  await pool.close();
});

test("closing the pool tells every client", async () => {
  const { pool, port } = await startPool(2);
  const sessions = await Promise.all(Array.from({ length: 4 }, () => open(port)));
  await pool.close();
  await Promise.all(sessions.map(({ closed }) => closed));
  expect(pool.workers).toEqual([undefined, undefined]);
});
