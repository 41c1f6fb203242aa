import { once } from "node:events";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TlsWatch } from "../../gateway/mqtt/tls-watch.ts";
import { mintPki } from "../support/minted-pki.ts";
import { portOf } from "../support/rogue-server.ts";
import { until } from "../support/until.ts";

let cleanUp: AsyncDisposableStack;
beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

const limit = 32_768;

/** Both ends of a TLS connection, and the watch of one of them. */
async function watched() {
  const { gateway } = await mintPki();
  const arrived: Socket[] = [];
  const tls = createTlsServer({ key: gateway.signer.exportForTls(), cert: gateway.pem });
  const listener = createServer((socket) => {
    arrived.push(socket);
    tls.emit("connection", socket);
  });
  listener.listen(0, "127.0.0.1");
  cleanUp.defer(() => void listener.close());
  await once(listener, "listening");
  const secure = new Promise<TLSSocket>((resolve) => tls.once("secureConnection", resolve));
  const port = portOf(listener);
  const tcp = connectTcp({ port, host: "127.0.0.1" });
  const peer = connectTls({ socket: tcp, rejectUnauthorized: false });
  peer.on("error", () => undefined);
  cleanUp.defer(() => void peer.destroy());
  const own = await secure;
  own.on("error", () => undefined).resume();
  const [wire] = arrived;
  if (wire === undefined) throw new Error("unreachable: it is secure");
  return { peer, own, wire, watch: new TlsWatch(own, wire, limit) };
}

/** 20,000 bytes that the watch is not told of as application data. */
async function sayUntold({ peer, wire }: { peer: TLSSocket; wire: Socket }): Promise<void> {
  const before = wire.bytesRead;
  peer.write(Buffer.alloc(19_950));
  await until("they came", () => wire.bytesRead >= before + 19_950);
}

test("what comes by TCP is compared with what is told of, and forgiven in time to a peer that reads", async () => {
  const ends = await watched();
  ends.peer.resume();
  for (let second = 1; second < 5; second += 1) {
    await sayUntold(ends);
    expect(ends.watch.look(0, 0, performance.now() + second * 10_000)).toBeUndefined();
  }
  await sayUntold(ends);
  await sayUntold(ends);
  expect(ends.watch.look(0, 0, performance.now())).toBeGreaterThan(limit);
});

test("nothing is forgiven while what was sealed waits for a peer that does not read", async () => {
  const ends = await watched();
  ends.peer.pause();
  // More than TCP takes, and that Node's own stream has handed on.
  for (let written = 0; written < 32; written += 1) ends.own.write(Buffer.alloc(2 ** 20));
  await sayUntold(ends);
  expect(ends.watch.look(0, 0, performance.now() + 100_000)).toBeUndefined();
  await sayUntold(ends);
  expect(ends.watch.look(0, 0, performance.now() + 200_000)).toBeGreaterThan(limit);
});
