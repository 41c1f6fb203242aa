import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { until } from "../until.ts";

/** Below the ports that the system gives to clients by itself, and another range for each process of the test run. */
const first = 12_000 + (Number(process.env["VITEST_POOL_ID"] ?? 0) % 16) * 1000;
/** Even, and elsewhere for another run of the tests on this machine. */
let next = (process.pid * 2) % 1000;

/** A free UDP port whose successor is free too: libcoap's servers take a plain port and serve DTLS on the one after. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const port = first + next;
    next = (next + 2) % 1000;
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
  throw new Error(`no free UDP port from ${first} on`);
}

/** Waits until somebody has bound the port; false when `gaveUp` came first. Linux alone. */
export async function bound(port: number, gaveUp: () => boolean): Promise<boolean> {
  const local = new RegExp(`: [0-9A-F]{8}:${port.toString(16).toUpperCase().padStart(4, "0")} `);
  const isBound = () => local.test(readFileSync("/proc/net/udp", "utf8"));
  await until(`a program on UDP port ${port}`, () => isBound() || gaveUp());
  return isBound();
}

async function isFree(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  try {
    socket.bind(port);
    await once(socket, "listening");
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
