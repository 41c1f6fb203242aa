import { connect as connectTcp } from "node:net";
import { type ConnectionOptions, connect } from "node:tls";
import { expect, test } from "vitest";
import { startGateway } from "../../gateway/index.ts";
import { mint, mintPki, rootRecipe } from "../support/minted-pki.ts";
import { connectBytes } from "../support/mqtt-bytes.ts";
import { gatewayOptions, TestGateway, TestRegistry } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

/** A handshake that is to fail; says how it ended on this side. */
async function failingHandshake(options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(options);
    socket.once("secureConnect", () => resolve("connected"));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once("close", () => resolve("closed"));
  });
}

test("the key exchange is the post-quantum hybrid where the client offers it", async () => {
  await using at = await TestGateway.start();
  const { tls } = await at.peer("a");
  const names = [];
  for (const ecdhCurve of ["X25519MLKEM768:X25519", "X25519", "P-256", "P-384"]) {
    const raw = await at.dial({ ...tls, ecdhCurve });
    names.push(
      Object.values(raw.socket.getEphemeralKeyInfo() ?? {}).includes("X25519MLKEM768") ? "hybrid" : "classic",
    );
  }
  expect(names).toEqual(["hybrid", "classic", "classic", "classic"]);
});

test.each([
  [
    "P-01: TLS 1.1",
    { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
    "tls_version",
  ],
  [
    "P-04: a CBC suite",
    { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256" },
    "tls_no_shared_cipher",
  ],
  [
    "P-04: a suite without forward secrecy",
    { maxVersion: "TLSv1.2", ciphers: "AES128-GCM-SHA256" },
    "tls_no_shared_cipher",
  ],
  ["a group that is not offered", { ecdhCurve: "P-521" }, "tls_no_shared_cipher"],
  ["P-14: ALPN for another protocol", { ALPNProtocols: ["http/1.1"] }, "tls_no_application_protocol"],
] as const)("%s is refused in the handshake", async (_title, over, reason) => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const options = { ...peer.tls, ...over } as ConnectionOptions;
  expect(await failingHandshake(options)).toMatch(/ALERT|HANDSHAKE_FAILURE|ECONNRESET|closed/);
  expect(await at.refusal()).toBe(reason);
  await at.connect(peer);
});

test("RFC 7301: ALPN mqtt is agreed on, and none is needed", async () => {
  await using at = await TestGateway.start();
  const { tls } = await at.peer("a");
  const raw = await at.dial({ ...tls, ALPNProtocols: ["x", "mqtt"] });
  expect(raw.socket.alpnProtocol).toBe("mqtt");
});

test("P-15: another name in SNI changes nothing", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const raw = await at.dial({ ...peer.tls, servername: "other.tenant.example" });
  raw.send(connectBytes("a"));
  expect((await raw.untilReceived(4)).toString("hex")).toBe("20020000");
});

test("P-07: a client's renegotiation is refused, the first one already", async () => {
  await using at = await TestGateway.start();
  const { tls } = await at.peer("a");
  const raw = await at.dial({ ...tls, maxVersion: "TLSv1.2" });
  let outcome: string | undefined;
  raw.socket.on("error", (error: NodeJS.ErrnoException) => {
    outcome ??= error.code;
  });
  raw.socket.renegotiate({}, (error) => {
    outcome ??= error?.message ?? "renegotiated";
  });
  await until("an outcome", () => outcome !== undefined);
  expect(outcome).toBe("ERR_SSL_NO_RENEGOTIATION");
});

test("P-09: a session made under other trust anchors does not resume", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const first = await at.dial(peer.tls);
  first.send(connectBytes("a"));
  await until("a ticket", () => first.session !== undefined && first.received.length > 0);
  const other = await mint(rootRecipe({ commonName: "another root" }));
  at.gateway.reload({ anchors: [at.pki.root.certificate, other.certificate] });
  const second = await at.dial({ ...peer.tls, session: first.session });
  expect(second.resumed).toBe(false);
});

test.each([
  ["P-21: MQTT in the clear", connectBytes("a")],
  ["P-21: HTTP in the clear", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
])("%s gets no answer that is not a TLS alert", async (_title, bytes) => {
  await using at = await TestGateway.start({ limits: { handshakeTimeoutMs: 500 } });
  const socket = connectTcp(at.gateway.mqttPort, "127.0.0.1");
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  socket.on("error", () => undefined);
  socket.write(bytes);
  await new Promise((resolve) => socket.once("close", resolve));
  expect(await at.refusal()).toMatch(/^(not_tls|handshake_timeout)$/);
  expect(received.length === 0 || received[0] === 21).toBe(true);
});

test("P-20: a handshake that does not go on is ended, and counted until then", async () => {
  await using at = await TestGateway.start({ limits: { handshakeTimeoutMs: 1000, handshakesPerAddress: 3 } });
  const peer = await at.peer("a");
  const stuck = Array.from({ length: 3 }, () => connectTcp(at.gateway.mqttPort, "127.0.0.1"));
  for (const socket of stuck) socket.on("error", () => undefined);
  await Promise.all(stuck.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
  expect(await failingHandshake(peer.tls)).not.toBe("connected");
  expect((await at.event("connection.refused")).reason).toBe("too_many_handshakes");
  await until(
    "three time-outs",
    () => at.eventsOf("connection.refused").filter((one) => one.reason === "handshake_timeout").length === 3,
  );
  await at.connect(peer);
});

test.each([
  [{ connections: 2 }, "too_many_connections"],
  [{ connectionsPerAddress: 2 }, "too_many_connections_from_address"],
] as const)("P-20: %o is kept, and a place is free again after a close", async (limits, reason) => {
  await using at = await TestGateway.start({ limits });
  const peer = await at.peer("a");
  const first = await at.dial(peer.tls);
  await at.dial(peer.tls);
  expect(await failingHandshake(peer.tls)).not.toBe("connected");
  expect(await at.refusal()).toBe(reason);
  first.socket.destroy();
  await until("the place is free", () => at.eventsOf("connection.refused").length > 1);
  await at.dial(peer.tls);
});

test("reload presents a new certificate, and healthy sessions keep running", async () => {
  await using at = await TestGateway.start();
  const client = await at.connect(await at.peer("a"));
  let closed = false;
  client.on("close", () => {
    closed = true;
  });
  const next = await mintPki();
  const both = [at.pki.root.certificate, next.root.certificate];
  at.gateway.reload({
    identity: gatewayOptions(next, at.registry).identity,
    anchors: both,
    intermediates: [at.pki.issuing.certificate, next.issuing.certificate],
  });
  expect(await at.event("reloaded")).toMatchObject({ sessionsKept: 1, sessionsClosed: 0 });
  const peer = await at.peer("b");
  const raw = await at.dial({ ...peer.tls, ca: next.root.pem });
  expect(raw.socket.getPeerX509Certificate()?.raw).toEqual(Buffer.from(next.gateway.certificate.der));
  await client.publishAsync("devices/a/up/x", "x", { qos: 1 });
  expect(closed).toBe(false);
});

test("reload with other anchors closes the sessions that they do not carry", async () => {
  await using at = await TestGateway.start();
  await at.connect(await at.peer("a"));
  const next = await mintPki();
  at.gateway.reload({ anchors: [next.root.certificate], intermediates: [next.issuing.certificate] });
  expect(await at.event("reloaded")).toMatchObject({ sessionsKept: 0, sessionsClosed: 1 });
  expect((await at.event("session.closed")).reason).toMatch(/^(unknown_issuer|bad_signature)$/);
});

test("a reload that is wrong changes nothing", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const client = await at.connect(peer);
  const next = await mintPki();
  const identity = { key: next.gateway.signer.exportForTls(), certificateChain: at.pki.gateway.pem };
  expect(() => at.gateway.reload({ identity })).toThrow(
    expect.objectContaining({ code: "GATEWAY_IDENTITY_INVALID" }),
  );
  expect(() => at.gateway.reload({ anchors: [] })).toThrow(
    expect.objectContaining({ code: "GATEWAY_OPTIONS_INVALID" }),
  );
  const access = { device: { publish: ["a/#/b"] } };
  expect(() => at.gateway.reload({ access })).toThrow(
    expect.objectContaining({ code: "GATEWAY_ACCESS_INVALID" }),
  );
  await client.publishAsync("devices/a/up/x", "x", { qos: 1 });
  await at.connect(peer, { clientId: "a/2" });
});

test("close flushes, ends every session, and frees the port", async () => {
  const at = await TestGateway.start();
  const client = await at.connect(await at.peer("a"));
  const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
  await at.gateway.close();
  await at.gateway.close();
  await closed;
  expect(at.eventsOf("session.closed").map((event) => event.reason)).toEqual(["gateway_stopping"]);
  const again = await startGateway({ ...gatewayOptions(at.pki, at.registry), mqttPort: at.gateway.mqttPort });
  await again.close();
});

test("a port in use, a wrong key and unknown options are told before anything runs", async () => {
  await using at = await TestGateway.start();
  const options = gatewayOptions(at.pki, new TestRegistry());
  const { mqttPort } = at.gateway;
  await expect(startGateway({ ...options, mqttPort })).rejects.toMatchObject({
    code: "GATEWAY_LISTEN_FAILED",
  });
  const identity = { ...options.identity, key: at.pki.device.signer.exportForTls() };
  await expect(startGateway({ ...options, identity })).rejects.toMatchObject({
    code: "GATEWAY_IDENTITY_INVALID",
  });
  const odd = { ...options, rejectUnauthorized: false };
  await expect(startGateway(odd)).rejects.toMatchObject({ code: "GATEWAY_OPTIONS_INVALID" });
  await expect(startGateway({ ...options, anchors: [] })).rejects.toMatchObject({
    code: "GATEWAY_OPTIONS_INVALID",
  });
});
