import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { createServer as createTlsServer, type TLSSocket, connect as tlsConnect } from "node:tls";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { Recorder } from "../../mitm/record/recorder.ts";
import { TlsClient, type TlsClientOptions } from "../../mitm/tls/client.ts";
import { TlsServer, type TlsServerOptions } from "../../mitm/tls/server.ts";
import { TicketKey } from "../../mitm/tls/tickets.ts";
import { Parties, partyAlgorithms } from "../support/mitm/tls-parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.create();
});

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).toReversed()) close();
});

async function listening(server: Server): Promise<{ host: string; port: number }> {
  server.listen(0, "127.0.0.1");
  closing.push(() => server.close());
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  return { host: "127.0.0.1", port: address.port };
}

/** Node's server, which wants a client certificate and sends back what it gets. */
async function nodeServer(version: "TLSv1.2" | "TLSv1.3", over: object = {}, who = "gateway-p256") {
  const peers: TLSSocket[] = [];
  const server = createTlsServer(
    {
      ...parties.the(who).pem,
      ca: parties.caPem,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: version,
      maxVersion: version,
      ...over,
    },
    (socket) => {
      peers.push(socket);
      socket.on("data", (data) => socket.write(data)).on("error", () => {});
    },
  );
  server.on("tlsClientError", () => {});
  return { address: await listening(server), peers };
}

async function ourServer(over: Partial<TlsServerOptions> = {}) {
  const server = createServer({ allowHalfOpen: true });
  const accepted = new Promise<TlsServer>((resolve) => {
    server.once("connection", (socket) => {
      closing.push(() => socket.destroy());
      resolve(TlsServer.accept(socket, parties.server(over)));
    });
  });
  return { address: await listening(server), accepted };
}

async function ourClient(address: { host: string; port: number }, over: Partial<TlsClientOptions> = {}) {
  const client = await TlsClient.connect(address, parties.client(over));
  closing.push(() => client.destroy());
  return client;
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

async function expectEcho(end: TlsClient): Promise<void> {
  end.send(Buffer.from("hello"));
  const answer = await end.receive(5000);
  expect(answer.kind === "data" ? text(answer.data) : answer).toBe("hello");
}

const suites = {
  TLS_AES_128_GCM_SHA256: 0x1301,
  TLS_AES_256_GCM_SHA384: 0x1302,
  TLS_CHACHA20_POLY1305_SHA256: 0x1303,
  "ECDHE-ECDSA-AES128-GCM-SHA256": 0xc02b,
  "ECDHE-ECDSA-AES256-GCM-SHA384": 0xc02c,
  "ECDHE-ECDSA-CHACHA20-POLY1305": 0xcca9,
};

describe("a client against Node's server", () => {
  for (const [name, id] of Object.entries(suites)) {
    test(name, async () => {
      const version = id < 0x2000 ? "TLSv1.3" : "TLSv1.2";
      const { address, peers } = await nodeServer(version);
      const client = await ourClient(address, { cipherSuites: [id] });
      const result = await client.handshake();
      expect(result).toMatchObject({ completed: true, cipherSuite: id, resumed: false });
      await expectEcho(client);
      expect(peers[0]?.authorized).toBe(true);
      expect(peers[0]?.getPeerCertificate().subject.CN).toBe("device-p256");
      client.close();
      expect(await client.receive(5000)).toMatchObject({ kind: "closed" });
    });
  }

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    for (const algorithm of partyAlgorithms) {
      test(`${version}: keys of ${algorithm} on both sides`, async () => {
        const { address } = await nodeServer(version, {}, `gateway-${algorithm}`);
        const { credential } = parties.the(`device-${algorithm}`);
        const client = await ourClient(address, { credential });
        expect(await client.handshake()).toMatchObject({ completed: true });
        await expectEcho(client);
      });
    }
  }

  test("without a certificate, TLS 1.3: the verdict comes after the handshake", async () => {
    const { address } = await nodeServer("TLSv1.3");
    const client = await ourClient(address, { credential: undefined });
    expect(await client.handshake()).toMatchObject({ completed: true });
    expect(await client.receive(5000)).toMatchObject({ kind: "alert", fatal: true });
  });

  test("without a certificate, TLS 1.2: the handshake fails", async () => {
    const { address } = await nodeServer("TLSv1.2");
    const client = await ourClient(address, { credential: undefined });
    expect(await client.handshake()).toMatchObject({ completed: false, refusedAt: "Finished" });
  });

  test("a HelloRetryRequest is answered", async () => {
    const { address } = await nodeServer("TLSv1.3", { ecdhCurve: "P-384" });
    const client = await ourClient(address);
    expect(await client.handshake()).toMatchObject({ completed: true });
    await expectEcho(client);
  });
});

describe("a server against Node's client", () => {
  for (const [name, id] of Object.entries(suites)) {
    test(name, async () => {
      const { address, accepted } = await ourServer({ cipherSuites: [id] });
      const client = tlsConnect({
        ...address,
        ...parties.the("device-p256").pem,
        ca: parties.caPem,
        servername: "gateway.test",
      });
      closing.push(() => client.destroy());
      const server = await accepted;
      const result = await server.handshake();
      expect(result).toMatchObject({ completed: true, cipherSuite: id });
      expect(server.peerChain).toHaveLength(2);
      client.write("ping");
      const received = await server.receive(5000);
      expect(received.kind === "data" ? text(received.data) : received).toBe("ping");
      server.send(Buffer.from("pong"));
      const [answer] = await once(client, "data");
      expect(text(answer)).toBe("pong");
      server.close();
      await once(client, "end");
    });
  }

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    for (const algorithm of partyAlgorithms) {
      test(`${version}: keys of ${algorithm} on both sides`, async () => {
        const { address, accepted } = await ourServer({
          credential: parties.the(`gateway-${algorithm}`).credential,
        });
        const client = tlsConnect({
          ...address,
          ...parties.the(`device-${algorithm}`).pem,
          ca: parties.caPem,
          servername: "gateway.test",
          maxVersion: version,
        });
        closing.push(() => client.destroy());
        const server = await accepted;
        expect(await server.handshake()).toMatchObject({ completed: true });
      });
    }
  }
});

describe("a client against our server", () => {
  for (const version of ["TLS 1.2", "TLS 1.3"] as const) {
    test(`${version}: both ways`, async () => {
      const { address, accepted } = await ourServer({ versions: [version] });
      const client = await ourClient(address);
      const server = await accepted;
      const [ofClient, ofServer] = await Promise.all([client.handshake(), server.handshake()]);
      expect(ofClient).toMatchObject({
        completed: true,
        version,
        peerChain: parties.the("gateway-p256").credential.chain,
      });
      expect(ofServer).toMatchObject({
        completed: true,
        version,
        peerChain: parties.the("device-p256").credential.chain,
      });
      server.send(Buffer.from("from the server"));
      const received = await client.receive(5000);
      expect(received.kind === "data" ? text(received.data) : received).toBe("from the server");
      client.close();
      expect(await server.receive(5000)).toEqual({ kind: "closed", how: "close_notify" });
      expect(await server.receive(5000)).toEqual({ kind: "closed", how: "closed after close_notify" });
    });
  }
});

describe("what is more than one handshake, with Node", () => {
  for (const [version, name] of [
    ["TLSv1.2", "TLS 1.2"],
    ["TLSv1.3", "TLS 1.3"],
  ] as const) {
    test(`${name}: a session of Node's server is resumed`, async () => {
      const { address, peers } = await nodeServer(version);
      const first = await ourClient(address, { serverName: "gateway.test" });
      expect(await first.handshake()).toMatchObject({ completed: true, resumed: false });
      await expectEcho(first);
      const session = first.sessions.at(-1);
      const second = await ourClient(address, { serverName: "gateway.test", session });
      expect(await second.handshake()).toMatchObject({ completed: true, resumed: true });
      await expectEcho(second);
      expect(peers[1]?.isSessionReused()).toBe(true);
    });

    test(`${name}: Node's client resumes a session of ours`, async () => {
      const tickets = { key: new TicketKey() };
      let session: Buffer | undefined;
      for (const resumed of [false, true]) {
        const { address, accepted } = await ourServer({ tickets });
        const client = tlsConnect({
          ...address,
          ...parties.the("device-p256").pem,
          ca: parties.caPem,
          servername: "gateway.test",
          maxVersion: version,
          ...(session === undefined ? {} : { session }),
        });
        closing.push(() => client.destroy());
        client.on("session", (one) => {
          session = one;
        });
        const server = await accepted;
        expect(await server.handshake()).toMatchObject({ completed: true, resumed });
        server.send(Buffer.from("data"));
        await once(client, "data");
        expect(client.isSessionReused()).toBe(resumed);
      }
    });
  }

  test("a client that renegotiates with Node's server", async () => {
    const { address } = await nodeServer("TLSv1.2");
    const client = await ourClient(address);
    expect(await client.handshake()).toMatchObject({ completed: true });
    expect(await client.renegotiate()).toMatchObject({ completed: true });
    await expectEcho(client);
  });

  test("Node's client renegotiates with a server of ours that goes along", async () => {
    const { address, accepted } = await ourServer({
      versions: ["TLS 1.2"],
      tolerates: new Set(["renegotiates"]),
    });
    const client = tlsConnect({
      ...address,
      ...parties.the("device-p256").pem,
      ca: parties.caPem,
      servername: "gateway.test",
    });
    closing.push(() => client.destroy());
    const server = await accepted;
    const secured = once(client, "secureConnect");
    expect(await server.handshake()).toMatchObject({ completed: true });
    await secured;
    const served = server.receive(5000);
    await new Promise<void>((resolve, reject) => {
      client.renegotiate({}, (error) => (error === null ? resolve() : reject(error)));
    });
    client.write("after");
    const received = await served;
    expect(received.kind === "data" ? text(received.data) : received).toBe("after");
  });

  test("a strict server refuses the renegotiation of Node's client", async () => {
    const { address, accepted } = await ourServer({ versions: ["TLS 1.2"] });
    const client = tlsConnect({
      ...address,
      ...parties.the("device-p256").pem,
      ca: parties.caPem,
      servername: "gateway.test",
    });
    closing.push(() => client.destroy());
    const server = await accepted;
    const secured = once(client, "secureConnect");
    expect(await server.handshake()).toMatchObject({ completed: true });
    await secured;
    const served = server.receive(5000);
    const refused = new Promise<Error>((resolve) => client.once("error", resolve));
    client.renegotiate({}, () => {});
    expect((await refused).message).toContain("no renegotiation");
    expect(await served).toMatchObject({ kind: "alert", fatal: true });
  });

  test("a HelloRetryRequest of ours is answered by Node's client", async () => {
    const { address, accepted } = await ourServer({ groups: [24], versions: ["TLS 1.3"] });
    const client = tlsConnect({
      ...address,
      ...parties.the("device-p256").pem,
      ca: parties.caPem,
      servername: "gateway.test",
    });
    closing.push(() => client.destroy());
    const server = await accepted;
    expect(await server.handshake()).toMatchObject({ completed: true });
  });

  test("KeyUpdates of ours are taken by Node", async () => {
    const { address } = await nodeServer("TLSv1.3");
    const client = await ourClient(address);
    await client.handshake();
    for (let round = 0; round < 3; round += 1) {
      client.sendKeyUpdate(true);
      await expectEcho(client);
    }
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`${version}: the key log says what Node's says`, async () => {
      const recorder = new Recorder();
      const { address, accepted } = await ourServer({ recorder });
      const client = tlsConnect({
        ...address,
        ...parties.the("device-p256").pem,
        ca: parties.caPem,
        servername: "gateway.test",
        maxVersion: version,
      });
      closing.push(() => client.destroy());
      const lines: string[] = [];
      client.on("keylog", (line) => lines.push(text(line).trim()));
      const server = await accepted;
      expect(await server.handshake()).toMatchObject({ completed: true });
      server.send(Buffer.from("data"));
      await once(client, "data");
      expect(recorder.keyLog.toSorted()).toEqual(lines.toSorted());
    });
  }
});
