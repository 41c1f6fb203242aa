/** A DTLS session's life, against an echoing server and against the gateway. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type ConnectDtlsOptions,
  connectDtls,
  DeviceError,
  type DeviceIdentity,
  type DtlsSession,
  identityFromSigner,
  openDtlsSession,
} from "../../device-client/index.ts";
import { DtlsError } from "../../dtls/index.ts";
import type { Signer } from "../../pki/index.ts";
import { type DtlsServer, showing, startDtlsServer } from "../support/dtls-server.ts";
import { DtlsTestGateway } from "../support/gateway-dtls.ts";
import { deviceRecipe, type Minted, type MintedPki, mint, mintPki } from "../support/minted-pki.ts";
import { until } from "../support/until.ts";

let pki: MintedPki;
let server: DtlsServer;
let cleanUp: AsyncDisposableStack;

beforeAll(async () => {
  pki = await mintPki();
});

beforeEach(async () => {
  cleanUp = new AsyncDisposableStack();
  const serving = { signer: pki.gateway.signer, chain: [pki.gateway, pki.issuing] };
  server = cleanUp.use(await startDtlsServer(showing(serving)));
});

afterEach(() => cleanUp.disposeAsync());

describe("a session", () => {
  test("is there once both have proved who they are, and says with whom", async () => {
    const session = opened();
    const connected = eventOf(session, "connected");
    expect(await connected).toMatchObject({
      resumed: false,
      fingerprint: pki.gateway.certificate.fingerprint,
      protocol: "DTLSv1.2",
      cipher: expect.stringMatching(/^TLS_ECDHE_ECDSA_WITH_/),
    });
    expect(session.state).toBe("connected");
    expect([...server.sessions][0]?.peer?.chain[0]).toEqual(new Uint8Array(pki.device.certificate.der));
  });

  test("carries messages as they are, both ways", async () => {
    const session = await connected();
    const got = collect(session);
    const binary = Uint8Array.from({ length: 256 }, (_, at) => at);
    for (const message of ["text", "ünïcödé", binary]) session.send(message);
    await until("all three", () => got.length === 3);
    expect(got.map((data) => Buffer.from(data).toString("hex"))).toEqual(
      ["text", "ünïcödé", binary].map((message) => Buffer.from(message).toString("hex")),
    );
  });

  test("refuses a message that no datagram takes, and goes on", async () => {
    const session = await connected();
    const error = thrownBy(() => session.send(new Uint8Array(session.maxMessageBytes + 1)));
    expect(error.code).toBe("DEVICE_MESSAGE_SIZE");
    await echo(session, "still here");
  });

  test("refuses what is neither bytes nor text as a mistake of the caller, and goes on", async () => {
    const session = await connected();
    for (const data of [undefined, {}, 5, [1], new ArrayBuffer(2), new Uint16Array(2)]) {
      // @ts-expect-error -- as from a program without types
      expect(() => session.send(data)).toThrow(TypeError);
    }
    await echo(session, "still here");
  });

  test("sends nothing while there is no connection, and nothing after the end", async () => {
    await server.crash();
    const session = opened();
    expect(thrownBy(() => session.send("x")).code).toBe("DEVICE_CONNECTION_LOST");
    expect(session.maxMessageBytes).toBe(0);
    await session.close();
    expect(thrownBy(() => session.send("x")).code).toBe("DEVICE_CLOSED");
    expect(session.state).toBe("closed");
  });

  test("tells the gateway when it ends, and connects no more", async () => {
    const session = await connected();
    const events = record(session);
    await session.close();
    await until("the server knows", () => server.sessions.size === 0);
    expect(events).toEqual(["disconnected", "closed"]);
    expect(server.handshakes).toHaveLength(1);
  });
});

describe("the key may be anywhere", () => {
  test.each(["p256", "p384", "ed25519", "rsa:2048"] as const)(
    "a %s signer that keeps its key",
    async (algorithm) => {
      const device = await mint(deviceRecipe(pki.issuing, "d1", { algorithm }));
      let signatures = 0;
      const token: Signer = {
        publicKey: device.signer.publicKey,
        sign: async (bytes) => {
          signatures += 1;
          // As a token that takes its time.
          await new Promise((resolve) => setTimeout(resolve, 20));
          return device.signer.sign(bytes);
        },
      };
      const identity = identityFromSigner(token, {
        certificate: device.pem + pki.issuing.pem,
        ca: pki.root.pem,
      });
      await using over = await DtlsTestGateway.start({ pki });
      over.at.registry.put("d1");
      over.at.registry.know(device.certificate, "d1");
      const session = cleanUp.use(
        await connectDtls({ ...options(), identity, gateway: `127.0.0.1:${over.port}` }),
      );
      await echo(session, algorithm);
      expect(signatures).toBe(1);
    },
  );

  test("a signer that fails is a failed attempt, tried again", async () => {
    const token: Signer = {
      publicKey: pki.device.signer.publicKey,
      sign: () => Promise.reject(new Error("the token was pulled out")),
    };
    const identity = identityFromSigner(token, { certificate: pki.device.pem, ca: pki.root.pem });
    const error = await failure(connectDtls({ ...options(), identity }));
    expect(error.code).toBe("DEVICE_TLS_FAILED");
  });

  test("a key that DTLS 1.2 has no signature for is refused before anything is dialled", async () => {
    const device = await mint(deviceRecipe(pki.issuing, "d1", { algorithm: "ml-dsa-44" }));
    const error = thrownBy(() => openDtlsSession({ ...options(), identity: identityOf(device) }));
    expect(error.code).toBe("DEVICE_SIGNER_UNSUPPORTED");
  });
});

describe("reconnecting", () => {
  test("after the gateway's goodbye the session comes back by itself, resumed", async () => {
    const session = await connected();
    const events = record(session);
    await echo(session, "before");
    const again = eventOf(session, "connected");
    await server.closeAll();
    expect((await again).resumed).toBe(true);
    expect(events.slice(0, 3)).toEqual([
      "disconnected DEVICE_CONNECTION_LOST",
      "reconnecting 1",
      "connected",
    ]);
    await echo(session, "after");
  });

  test("RFC 5246 §7.2.2: a session that a fatal alert ended is not resumed (R9)", async () => {
    const session = await connected();
    await echo(session, "before");
    const again = eventOf(session, "connected");
    for (const one of server.sessions)
      one.destroy(new DtlsError("DTLS_INTERNAL_ERROR", "a crash of its own"));
    expect((await again).resumed).toBe(false);
    await echo(session, "after");
  });

  test("a gateway that was killed and started anew is noticed by its silence (U3)", async () => {
    const session = await connected({ silenceMs: 300 });
    await echo(session, "before");
    await server.crash();
    await server.restart();
    const again = eventOf(session, "connected");
    session.send("is anybody there?");
    expect((await again).resumed).toBe(false);
    await echo(session, "after");
  });

  test("an answer puts the end off, further sending does not", async () => {
    const session = await connected({ silenceMs: 400 });
    const events = record(session);
    for (let turn = 0; turn < 5; turn++) {
      await echo(session, `${turn}`);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(events).toEqual([]);
    server.mute(true);
    const lost = eventOf(session, "disconnected");
    const sending = setInterval(() => session.maxMessageBytes > 0 && session.send("hello?"), 100);
    expect((await lost).reason?.code).toBe("DEVICE_CONNECTION_LOST");
    clearInterval(sending);
  });

  test("silenceMs 0: a device that expects no answers keeps its session", async () => {
    const session = await connected({ silenceMs: 0 });
    const events = record(session);
    server.mute(true);
    session.send("a reading");
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(events).toEqual([]);
  });

  test("a session that begins offline connects once there is a gateway", async () => {
    await server.crash();
    const session = opened({ connectTimeoutMs: 300 });
    const events = record(session);
    await until("a failed attempt", () => events.includes("reconnecting 1"));
    const connects = eventOf(session, "connected");
    await server.restart();
    await connects;
    await echo(session, "at last");
  });

  test("nobody at the address is DEVICE_TIMEOUT, and a name without an address DEVICE_UNREACHABLE", async () => {
    await server.crash();
    const silent = await failure(connectDtls({ ...options(), connectTimeoutMs: 300 }));
    expect(silent.code).toBe("DEVICE_TIMEOUT");
    const nowhere = await failure(connectDtls({ ...options(), gateway: "no-such-host.invalid:5684" }));
    expect(nowhere.code).toBe("DEVICE_UNREACHABLE");
    await server.restart();
  });

  test("close ends a dial under way", async () => {
    await server.crash();
    const session = opened();
    await session.close();
    expect(session.state).toBe("closed");
    await server.restart();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.handshakes).toEqual([]);
  });
});

describe("with the gateway", () => {
  let over: DtlsTestGateway;

  beforeEach(async () => {
    over = cleanUp.use(await DtlsTestGateway.start({ pki }));
    over.at.registry.put("d1");
    over.at.registry.know(pki.device.certificate, "d1");
  });

  const gateway = () => ({ gateway: `127.0.0.1:${over.port}` });

  test("a revoked device is told so, now and when it comes back", async () => {
    const session = await connected(gateway());
    const events = record(session);
    over.at.registry.revoke(pki.device.certificate);
    await until("refused", () => events.includes("refused DEVICE_REFUSED"));
    expect(events[0]).toBe("disconnected DEVICE_REFUSED");
    const error = await failure(connectDtls({ ...options(), ...gateway() }));
    expect([error.code, error.message]).toEqual([
      "DEVICE_REFUSED",
      expect.stringContaining("certificate_revoked"),
    ]);
  });

  test("replaceIdentity goes on under a new certificate", async () => {
    const session = await connected(gateway());
    const renewed = await mint(deviceRecipe(pki.issuing));
    over.at.registry.know(renewed.certificate, "d1");
    const events = record(session);
    await session.replaceIdentity(identityOf(renewed));
    expect(session.identity.certificate.fingerprint).toBe(renewed.certificate.fingerprint);
    expect(events).toEqual(["disconnected", "connected", "identity-replaced"]);
    await echo(session, "as before");
    const fingerprints = over.at.gateway.sessions().map(({ fingerprint }) => fingerprint);
    expect(fingerprints).toEqual([renewed.certificate.fingerprint]);
  });

  test("a new certificate that the gateway refuses leaves the session under the old one", async () => {
    const session = await connected(gateway());
    const unknown = await mint(deviceRecipe(pki.issuing));
    const error = await failure(session.replaceIdentity(identityOf(unknown)));
    expect(error.code).toBe("DEVICE_REFUSED");
    await until("connected again", () => session.state === "connected");
    expect(session.identity.certificate.fingerprint).toBe(pki.device.certificate.fingerprint);
    await echo(session, "as before");
  });

  test("another device's certificate is not a replacement", async () => {
    const session = await connected(gateway());
    const other = identityOf(await mint(deviceRecipe(pki.issuing, "d2")));
    expect((await failure(session.replaceIdentity(other))).code).toBe("DEVICE_IDENTITY_OTHER_DEVICE");
    await echo(session, "as before");
  });
});

function options(over: Partial<ConnectDtlsOptions> = {}): ConnectDtlsOptions {
  return {
    identity: identityOf(pki.device),
    gateway: `127.0.0.1:${server.port}`,
    connectTimeoutMs: 10_000,
    reconnect: { minMs: 10, maxMs: 50 },
    ...over,
  };
}

function opened(over: Partial<ConnectDtlsOptions> = {}): DtlsSession {
  return cleanUp.use(openDtlsSession(options(over)));
}

async function connected(over: Partial<ConnectDtlsOptions> = {}): Promise<DtlsSession> {
  return cleanUp.use(await connectDtls(options(over)));
}

function identityOf(device: Minted): DeviceIdentity {
  return identityFromSigner(device.signer, { certificate: device.pem + pki.issuing.pem, ca: pki.root.pem });
}

async function echo(session: DtlsSession, text: string): Promise<void> {
  const answer = new Promise<string>((resolve) => {
    session.once("message", (data) => resolve(Buffer.from(data).toString()));
  });
  session.send(text);
  expect(await answer).toBe(text);
}

function collect(session: DtlsSession): Uint8Array[] {
  const got: Uint8Array[] = [];
  session.on("message", (data) => got.push(data));
  return got;
}

function record(session: DtlsSession): string[] {
  const events: string[] = [];
  const note = (name: string, detail: string | number | undefined) =>
    events.push(detail === undefined ? name : `${name} ${detail}`);
  session.on("connected", () => note("connected", undefined));
  session.on("disconnected", ({ reason }) => note("disconnected", reason?.code));
  session.on("reconnecting", ({ attempt }) => note("reconnecting", attempt));
  session.on("refused", ({ error }) => note("refused", error.code));
  session.on("identity-replaced", () => note("identity-replaced", undefined));
  session.on("closed", () => note("closed", undefined));
  return events;
}

function eventOf<K extends "connected" | "disconnected">(session: DtlsSession, name: K) {
  return new Promise<Parameters<Parameters<typeof session.on<K>>[1]>[0]>((resolve) =>
    session.once(name, resolve),
  );
}

function thrownBy(work: () => unknown): DeviceError {
  try {
    work();
  } catch (error) {
    if (error instanceof DeviceError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

async function failure(work: Promise<unknown>): Promise<DeviceError> {
  const error = await work.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof DeviceError) return error;
  throw error;
}
