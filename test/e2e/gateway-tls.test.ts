import { expect, test } from "vitest";
import { startGateway } from "../../gateway/index.ts";
import { mintPki } from "../support/minted-pki.ts";
import { gatewayOptions, TestGateway, TestRegistry } from "../support/test-gateway.ts";

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

test("RFC 7301: ALPN mqtt is agreed on, and none is needed", async () => {
  await using at = await TestGateway.start();
  const { tls } = await at.peer("a");
  const raw = await at.dial({ ...tls, ALPNProtocols: ["x", "mqtt"] });
  expect(raw.socket.alpnProtocol).toBe("mqtt");
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

test("a reload of what is undefined leaves it as it is", async () => {
  await using at = await TestGateway.start({ access: { device: {} } });
  const changes: object = { access: undefined, crls: undefined };
  at.gateway.reload(changes);
  const device = await at.connect(await at.peer("a"));
  device.publish("devices/a/up/x", "x");
  expect(await at.event("publish.refused")).toMatchObject({ reason: "topic_denied" });
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
