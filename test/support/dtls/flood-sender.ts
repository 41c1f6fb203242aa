/*
 * A process of its own that floods a UDP port of 127.0.0.1 with ClientHellos from many addresses, as one would who
 * spoofs them: flood-sender.ts PORT COUNT PER_SECOND. Says "sent <count>" at the end.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { Prng } from "../../../mitm/prng.ts";
import { AdversaryClient } from "./adversary-client.ts";
import { FakeEnvironment } from "./environment.ts";
import { ecdheEcdsa } from "./settings.ts";

const [port = 0, count = 0, perSecond = 1] = process.argv.slice(2).map(Number);
const prng = new Prng(1);
const environment = new FakeEnvironment({ now: () => 0, prng, keyShares: "pooled" });
const hello = new AdversaryClient({ suite: ecdheEcdsa, prng, environment }).clientHello();
const sockets = await Promise.all(Array.from({ length: 200 }, (_, index) => boundTo(`127.1.${index}.1`)));

const began = performance.now();
let sent = 0;
while (sent < count) {
  const due = Math.min(count, ((performance.now() - began) / 1000) * perSecond);
  for (; sent < due; sent += 1) {
    // Another client's random each time.
    const datagram = Uint8Array.from(hello);
    datagram.set(prng.bytes(32), 27);
    sockets[sent % sockets.length]?.send(datagram, port, "127.0.0.1");
  }
  await setTimeout(1);
}
await setTimeout(100);
for (const socket of sockets) socket.close();
console.log(`sent ${sent}`);

async function boundTo(address: string): Promise<Socket> {
  const socket = createSocket("udp4");
  // Nobody reads what comes back.
  socket.on("error", () => undefined);
  socket.bind(0, address);
  await once(socket, "listening");
  return socket;
}
