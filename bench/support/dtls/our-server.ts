/** Our echo server in a process of its own: told by one JSON argument, reports its port over IPC, ends when told to. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { startWorkers } from "../../../dtls/index.ts";
import { listenAndEcho } from "./echo-endpoint.ts";
import type { OurServerSettings } from "./servers.ts";

const settings: OurServerSettings = JSON.parse(process.argv[2] ?? "{}");
const port = settings.workers === undefined ? await listenHere() : await listenInWorkers(settings.workers);

process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  // A normal exit writes the CPU profile.
  if (message === "stop") process.exit(0);
  if (message === "settle") void settle();
});
process.send?.({ port });

async function listenHere(): Promise<number> {
  const { port: bound } = await listenAndEcho({ ...settings, port: 0 });
  return bound;
}

async function listenInWorkers(count: number): Promise<number> {
  const free = await freePort();
  const file = new URL("./echo-worker.ts", import.meta.url);
  const pool = startWorkers(file, { count, workerData: { ...settings, port: free } });
  await Promise.all(
    pool.workers.flatMap((worker) => (worker === undefined ? [] : [once(worker, "message")])),
  );
  return free;
}

/** Threads share a port only when all ask for the same. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port: free } = socket.address();
  await new Promise<void>((resolve) => {
    socket.close(resolve);
  });
  return free;
}

/** What is garbage is not memory of an association. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await sleep(50);
  }
  process.send?.("settled");
}
