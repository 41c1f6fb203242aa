/** Devices with a pre-shared key, by our own client and by node-dtls-client, against our own server. */
import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type ConnectPskOptions,
  connectPsk,
  type DatagramSession,
  DeviceError,
  openPskSession,
} from "../../device-client/index.ts";
import { type DtlsServer, startDtlsServer } from "../support/dtls-server.ts";
import { until } from "../support/until.ts";

const key = randomBytes(32);
/** A server that knows better says nothing: who guesses keys learns nothing from it. */
const briefly = { connectTimeoutMs: 1500 };
let cleanUp: AsyncDisposableStack;
let server: DtlsServer;

beforeEach(async () => {
  cleanUp = new AsyncDisposableStack();
  server = cleanUp.use(
    await startDtlsServer({
      psk: { "thermometer-1": key, "thermometer-2": randomBytes(32) },
      // node-dtls-client sends no extension.
      dangerouslyAllowMissingExtendedMasterSecret: true,
    }),
  );
});

afterEach(() => cleanUp.disposeAsync());

describe.each(["dtls", "node-dtls-client"] as const)("over %s", (transport) => {
  test("a device with its key is let in, under its identity, and gets its echo", async () => {
    const session = await connected({ transport });
    expect(await echo(session, "hello")).toBe("hello");
    const [{ peer } = { peer: undefined }] = server.sessions;
    expect(peer?.certificateType).toBe("PSK");
    expect(Buffer.from(peer?.pskIdentity ?? []).toString()).toBe("thermometer-1");
  });

  test("another key of the right name is not", async () => {
    const error = await failure(connectPsk({ ...options({ transport }), key: randomBytes(32), ...briefly }));
    expect(error.code).toMatch(/^DEVICE_(REFUSED|TIMEOUT|GATEWAY_UNTRUSTED)$/);
    expect([server.handshakes, server.arrived]).toEqual([[], []]);
    await connected({ transport });
  });

  test("a name that the server does not know is not, and looks no different", async () => {
    const wrongKey = await failure(
      connectPsk({ ...options({ transport }), key: randomBytes(32), ...briefly }),
    );
    const error = await failure(connectPsk({ ...options({ transport }), identity: "nobody", ...briefly }));
    expect(error.code).toBe(wrongKey.code);
    expect([server.handshakes, server.arrived]).toEqual([[], []]);
  });

  test("a session comes back after the server's goodbye", async () => {
    const session = await connected({ transport });
    const again = new Promise<void>((resolve) => session.once("connected", () => resolve()));
    await server.closeAll();
    await again;
    expect(await echo(session, "back")).toBe("back");
  });

  test("a server that was killed and started anew is noticed by its silence", async () => {
    const session = await connected({ transport, silenceMs: 300 });
    await server.crash();
    await server.restart();
    const again = new Promise<void>((resolve) => session.once("connected", () => resolve()));
    session.send("is anybody there?");
    await again;
    expect(await echo(session, "back")).toBe("back");
  });

  test("nobody at the address is DEVICE_TIMEOUT, and close ends a dial under way", async () => {
    await server.crash();
    const error = await failure(connectPsk({ ...options({ transport }), connectTimeoutMs: 300 }));
    expect(error.code).toBe("DEVICE_TIMEOUT");
    const session = openPskSession(options({ transport }));
    await session.close();
    expect(session.state).toBe("closed");
    await server.restart();
  });

  test("what strangers send changes nothing, and ends nothing", async () => {
    const session = await connected({ transport });
    const got = collect(session);
    const [{ remoteAddress } = { remoteAddress: { port: 0 } }] = server.sessions;
    const stranger = createSocket("udp4");
    const forged = [
      Buffer.from("17fefd0000000000000064000568656c6c6f", "hex"),
      Buffer.from("15fefd00000000000000650002022a", "hex"),
      Buffer.from("16fefd000000000000006600050100000000", "hex"),
      ...Array.from({ length: 50 }, () => randomBytes(100)),
    ];
    for (const datagram of forged) stranger.send(datagram, remoteAddress.port, "127.0.0.1");
    await echo(session, "still here");
    expect(got.map((data) => Buffer.from(data).toString())).toEqual(["still here"]);
    stranger.close();
  });

  test("application data that is not protected, on the path and before the handshake is done, is not shown", async () => {
    await using path = await Path.to(server.port, (device, { forge }) => {
      forge("17fefd00000000000000070006666f72676564", device);
    });
    const session = openPskSession(options({ transport, gateway: `127.0.0.1:${path.port}` }));
    cleanUp.use(session);
    const got = collect(session);
    await new Promise<void>((resolve) => session.once("connected", () => resolve()));
    expect(await echo(session, "mine")).toBe("mine");
    expect(got.map((data) => Buffer.from(data).toString())).toEqual(["mine"]);
    expect(path.forged).toBeGreaterThan(0);
  });

  test("a fatal alert of a stranger, in the middle of the handshake, ends nothing", async () => {
    await using path = await Path.to(server.port, (device, { forgeFromElsewhere }) => {
      forgeFromElsewhere("15fefd000000000000000700020228", device);
    });
    await using session = await connectPsk(options({ transport, gateway: `127.0.0.1:${path.port}` }));
    expect(await echo(session, "mine")).toBe("mine");
    expect([path.forged > 0, server.handshakes.length]).toEqual([true, 1]);
  });

  test("a message that no datagram takes is refused", async () => {
    const session = await connected({ transport });
    const tooLarge = new Uint8Array(session.maxMessageBytes + 1);
    expect(() => session.send(tooLarge)).toThrow(expect.objectContaining({ code: "DEVICE_MESSAGE_SIZE" }));
    expect(await echo(session, "x".repeat(1000))).toBe("x".repeat(1000));
  });
});

test("our own client does extended master secret, and needs no switch for it", async () => {
  await using strict = await startDtlsServer({ psk: { "thermometer-1": key } });
  await using session = await connectPsk({ ...options(), gateway: `127.0.0.1:${strict.port}` });
  expect(await echo(session, "hello")).toBe("hello");
});

test("node-dtls-client does not: a server without the switch refuses it", async () => {
  await using strict = await startDtlsServer({ psk: { "thermometer-1": key } });
  const to = { gateway: `127.0.0.1:${strict.port}`, transport: "node-dtls-client" } as const;
  const error = await failure(connectPsk({ ...options(to), connectTimeoutMs: 2000 }));
  expect(error.code).toMatch(/^DEVICE_(TLS_FAILED|TIMEOUT)$/);
  expect(strict.handshakes).toEqual([]);
});

test("the key shows in no session that is looked at", async () => {
  const session = await connected();
  const shown = inspect(session, { depth: 20, showHidden: true });
  expect(shown).not.toContain(key.toString("hex").slice(0, 16));
  expect(shown).not.toContain([...key.subarray(0, 4)].join(", "));
});

interface Device {
  readonly address: string;
  readonly port: number;
}

/** The path to a server, where somebody has a word with the device before each datagram of the server's. */
class Path implements AsyncDisposable {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #elsewhere: Socket;
  forged = 0;

  private constructor(near: Socket, far: Socket, elsewhere: Socket) {
    this.#near = near;
    this.#far = far;
    this.#elsewhere = elsewhere;
  }

  static async to(serverPort: number, before: (device: Device, path: Path) => void): Promise<Path> {
    const [near, far, elsewhere] = [await bound(), await bound(), await bound()];
    const path = new Path(near, far, elsewhere);
    let device: Device | undefined;
    near.on("message", (datagram, from) => {
      device = from;
      far.send(datagram, serverPort, "127.0.0.1");
    });
    far.on("message", (datagram) => {
      if (device === undefined) return;
      before(device, path);
      near.send(datagram, device.port, device.address);
    });
    return path;
  }

  get port(): number {
    return this.#near.address().port;
  }

  readonly forge = (hex: string, device: Device) => this.#send(this.#near, hex, device);
  readonly forgeFromElsewhere = (hex: string, device: Device) => this.#send(this.#elsewhere, hex, device);

  #send(socket: Socket, hex: string, device: Device): void {
    this.forged += 1;
    socket.send(Buffer.from(hex, "hex"), device.port, device.address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#near, this.#far, this.#elsewhere]) socket.close();
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

function options(over: Partial<ConnectPskOptions> = {}): ConnectPskOptions {
  return {
    identity: "thermometer-1",
    key,
    gateway: `127.0.0.1:${server.port}`,
    connectTimeoutMs: 5000,
    reconnect: { minMs: 10, maxMs: 50 },
    ...over,
  };
}

async function connected(over: Partial<ConnectPskOptions> = {}): Promise<DatagramSession> {
  return cleanUp.use(await connectPsk(options(over)));
}

async function echo(session: DatagramSession, text: string): Promise<string> {
  const got = collect(session);
  session.send(text);
  await until(`the echo of ${text.slice(0, 20)}`, () => got.length > 0);
  return Buffer.from(got[0] ?? []).toString();
}

function collect(session: DatagramSession): Uint8Array[] {
  const got: Uint8Array[] = [];
  session.on("message", (data) => got.push(data));
  return got;
}

async function failure(work: Promise<unknown>): Promise<DeviceError> {
  const error = await work.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof DeviceError) return error;
  throw error;
}
