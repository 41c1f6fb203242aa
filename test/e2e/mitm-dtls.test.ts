import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { connect, type DTLSSession, listen } from "../../dtls/index.ts";
import { DtlsClient, type DtlsClientOptions } from "../../mitm/dtls/client.ts";
import { DatagramListener } from "../../mitm/dtls/datagrams.ts";
import { DtlsServer, type DtlsServerOptions } from "../../mitm/dtls/server.ts";
import type { Credential, HandshakeResult, Received } from "../../mitm/endpoint.ts";
import { Recorder } from "../../mitm/record/recorder.ts";
import { ca, device, server } from "../support/dtls-loopback.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

describe("scripted DTLS ends and sallyport's own", () => {
  test.each([
    [["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"], 0xc02b],
    [["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"], 0xc02c],
    [["TLS_ECDHE_ECDSA_WITH_AES_128_CCM"], 0xc0ac],
    [["TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"], 0xc0ae],
    [["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"], 0xcca9],
  ])("a client completes with listen() under %s", async (names, cipherSuite) => {
    const endpoint = listen((session) => void session.on("message", (data) => session.send(data)), {
      port: 0,
      ...server,
      ca,
      ciphers: names,
    });
    closers.push(() => endpoint.close());
    const { port } = await endpoint.ready;
    const client = await dial(port);
    expect(await client.handshake()).toMatchObject({ completed: true, cipherSuite, version: "DTLS 1.2" });
    client.send(Buffer.from("ping"));
    expect(textOf(await client.receive(2000))).toBe("ping");
    client.close();
  });

  test("a client negotiates a connection id", async () => {
    const endpoint = listen((session) => void session.on("message", (data) => session.send(data)), {
      port: 0,
      ...server,
      ca,
      connectionId: true,
    });
    closers.push(() => endpoint.close());
    const { port } = await endpoint.ready;
    const client = await dial(port, { connectionId: Uint8Array.of(1, 2, 3) });
    expect(await client.handshake()).toMatchObject({ completed: true });
    client.send(Buffer.from("ping"));
    expect(textOf(await client.receive(2000))).toBe("ping");
  });

  test("a refusal is a result with the alert", async () => {
    const endpoint = listen(() => undefined, { port: 0, ...server, ca });
    closers.push(() => endpoint.close());
    const { port } = await endpoint.ready;
    const client = await dial(port, { credential: undefined });
    expect(await client.handshake()).toMatchObject({ completed: false, alert: "handshake_failure" });
  });

  test("a server completes with connect()", async () => {
    const listener = await bound();
    const session = connect("127.0.0.1", listener.address.port, { ca, ...device() });
    closers.push(() => session.destroy());
    const end = await accept(listener);
    const [result] = await Promise.all([end.handshake(), session.opened]);
    expect(result).toMatchObject({ completed: true, resumed: false });
    expect(commonNameOf(result)).toContain("pump-1");
    session.send("hello");
    expect(textOf(await end.receive(2000))).toBe("hello");
    end.send(Buffer.from("hello back"));
    expect(await nextMessage(session)).toBe("hello back");
    end.close();
    await session.closed;
  });

  test("a server negotiates a connection id with connect()", async () => {
    const listener = await bound();
    const session = connect("127.0.0.1", listener.address.port, { ca, ...device(), connectionId: true });
    closers.push(() => session.destroy());
    const end = await accept(listener, { connectionId: Uint8Array.of(9, 9, 9, 9) });
    const [result] = await Promise.all([end.handshake(), session.opened]);
    expect(result).toMatchObject({ completed: true });
    session.send("hello");
    expect(textOf(await end.receive(2000))).toBe("hello");
  });
});

describe("scripted DTLS ends with each other", () => {
  test.each(["everything", new Set<string>()] as const)("both complete, tolerating %o", async (tolerates) => {
    const listener = await bound();
    const client = await dial(listener.address.port, { tolerates });
    const coming = client.handshake();
    const end = await accept(listener, { tolerates });
    const results = await Promise.all([coming, end.handshake()]);
    expect(results.map(({ completed }) => completed)).toEqual([true, true]);
    client.send(Buffer.from("ping"));
    expect(textOf(await end.receive(2000))).toBe("ping");
    end.close();
    expect(await client.receive(2000)).toEqual({ kind: "closed", how: "close_notify" });
  });

  test("flights go in small pieces", async () => {
    const results = await handshakes({ mtu: 200 }, { mtu: 150 });
    expect(results.map(({ completed }) => completed)).toEqual([true, true]);
  });

  test("a flight whose datagrams are lost is sent again", async () => {
    const listener = await bound();
    const client = await dial(listener.address.port, { ...strict, retransmitMs: 30 });
    const coming = client.handshake();
    const end = await accept(listener, { ...strict, retransmitMs: 30 });
    const { port } = end;
    const send = port.send.bind(port);
    let dropped = 0;
    port.send = (bytes, to) => {
      // Each second one of the first six.
      dropped += 1;
      if (dropped > 6 || dropped % 2 === 0) send(bytes, to);
    };
    expect(await end.handshake()).toMatchObject({ completed: true });
    // Whoever has finished answers a repeated flight as long as somebody listens.
    const listening = end.receive(5000);
    expect(await coming).toMatchObject({ completed: true });
    client.send(Buffer.from("ping"));
    expect(textOf(await listening)).toBe("ping");
    expect(dropped).toBeGreaterThan(2);
  });

  test("a pre-shared key takes the place of certificates", async () => {
    const key = Buffer.from("0123456789abcdef");
    const psk = { identity: Buffer.from("pump-1"), key };
    const [client, server] = await handshakes({ psk, credential: undefined }, { psk: () => key });
    expect(client).toMatchObject({ completed: true, cipherSuite: 0xd001, peerChain: [] });
    expect(server).toMatchObject({ completed: true });
    const [other] = await handshakes({ psk, credential: undefined }, { psk: () => Buffer.alloc(16) });
    expect(other).toMatchObject({ completed: false });
  });

  test("an end judges the other's chain by the function that it was given", async () => {
    const [client, server] = await handshakes({}, { verifyPeer: () => "certificate_revoked" });
    expect(client).toMatchObject({ completed: false, alert: "certificate_revoked" });
    expect(server).toMatchObject({ completed: false, byThisEnd: true });
  });

  test("what was marked is the attack, and an answer on its connection the receipt", async () => {
    const own = new Recorder();
    await handshakes({ recorder: own, marks: ["Certificate"] }, {});
    expect(own.steps.filter(({ attack }) => attack === true).map(({ what }) => what)).toEqual([
      "Certificate",
    ]);
    expect(own.delivered).toMatch(/HelloVerifyRequest/);
    expect(own.keyLog).toHaveLength(1);
    expect(own.certificates.size).toBeGreaterThan(0);
    expect(own.flows.size).toBe(1);
    expect(own.packets.length).toBeGreaterThan(4);
  });

  test("a message that is left out is refused by a strict end", async () => {
    const listener = await bound();
    const client = await dial(listener.address.port, {
      outgoing: ({ name }) => (name === "ClientKeyExchange" ? [] : undefined),
    });
    const coming = client.handshake();
    const end = await accept(listener, { tolerates: new Set() });
    const results = await Promise.all([coming, end.handshake()]);
    expect(results[1]).toMatchObject({ completed: false, byThisEnd: true, alert: "unexpected_message" });
    expect(results[0]).toMatchObject({ completed: false, alert: "unexpected_message" });
  });
});

const recorder = new Recorder();
const strict = { tolerates: new Set<string>() } as const;

/** A handshake of two strict ends; the client's result first. */
async function handshakes(
  ofClient: Partial<DtlsClientOptions>,
  ofServer: Partial<DtlsServerOptions>,
): Promise<readonly [HandshakeResult, HandshakeResult]> {
  const listener = await bound();
  const client = await dial(listener.address.port, { ...strict, ...ofClient });
  const coming = client.handshake();
  const end = await accept(listener, { ...strict, ...ofServer });
  return await Promise.all([coming, end.handshake()]);
}

async function dial(port: number, options: Partial<DtlsClientOptions> = {}): Promise<DtlsClient> {
  const client = await DtlsClient.connect(
    { host: "127.0.0.1", port },
    {
      recorder,
      self: "lab",
      peer: "gateway",
      credential: credentialOf("the device", device()),
      tolerates: "everything",
      answerMs: 2000,
      ...options,
    },
  );
  closers.push(() => client.destroy());
  return client;
}

async function bound(): Promise<DatagramListener> {
  const listener = await DatagramListener.bind();
  closers.push(() => listener.destroy());
  return listener;
}

async function accept(
  listener: DatagramListener,
  options: Partial<DtlsServerOptions> = {},
): Promise<DtlsServer> {
  const port = await listener.next(2000);
  if (port === undefined) throw new Error("nobody came");
  return DtlsServer.accept(port, {
    recorder,
    self: "lab",
    peer: "device",
    credential: credentialOf("the gateway", server),
    tolerates: "everything",
    answerMs: 2000,
    ...options,
  });
}

function credentialOf(name: string, pem: { readonly cert: unknown; readonly key: unknown }): Credential {
  const chain = String(pem.cert)
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((part) => part.trim().length > 0)
    .map((part) => Uint8Array.from(new X509Certificate(part).raw));
  return { name, chain, key: createPrivateKey(String(pem.key)) };
}

function textOf(received: Received): string {
  return received.kind === "data" ? Buffer.from(received.data).toString() : received.kind;
}

function commonNameOf(result: HandshakeResult): string {
  const [leaf] = result.completed ? result.peerChain : [];
  return leaf === undefined
    ? ""
    : new X509Certificate(leaf).subject + new X509Certificate(leaf).subjectAltName;
}

async function nextMessage(session: DTLSSession): Promise<string> {
  const [data] = await once(session, "message");
  return Buffer.from(data).toString();
}
