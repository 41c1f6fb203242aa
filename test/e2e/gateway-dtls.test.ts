import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import type { Certificate } from "../../pki/index.ts";
import { DtlsTestGateway, echo, endOf, Nat } from "../support/gateway-dtls.ts";
import {
  deviceRecipe,
  gatewayRecipe,
  issuingRecipe,
  mint,
  mintPki,
  rootRecipe,
} from "../support/minted-pki.ts";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

describe("a device over DTLS", () => {
  test("is let in by its certificate, known by name in the events, and gets its echo", async () => {
    await using over = await DtlsTestGateway.start();
    const { at } = over;
    const peer = await at.peer("d1", { group: "pumps" });
    const session = await over.connect(peer);
    expect(await echo(session, "hello")).toBe("hello");
    expect((await at.event("session.opened")).session).toMatchObject({
      transport: "dtls",
      kind: "device",
      deviceId: "d1",
      clientId: "",
      group: "pumps",
      fingerprint: peer.minted.certificate.fingerprint,
      address: "127.0.0.1",
      resumed: false,
    });
    expect(at.gateway.sessions().map(({ transport, deviceId }) => [transport, deviceId])).toEqual([
      ["dtls", "d1"],
    ]);
    await session.close();
    expect((await at.event("session.closed")).reason).toBe("client_disconnect");
    expect(at.gateway.sessions()).toEqual([]);
  });

  test("the gateway tells of both ports", async () => {
    await using over = await DtlsTestGateway.start();
    await over.at.event("listening", ({ transport }) => transport === "dtls");
    expect(over.at.eventsOf("listening").map(({ transport, port }) => [transport, port])).toEqual([
      ["mqtt", over.at.gateway.mqttPort],
      ["dtls", over.port],
    ]);
  });

  test.each(["p256", "p384", "ed25519", "rsa:2048"] as const)(
    "with a %s key is let in",
    async (algorithm) => {
      await using over = await DtlsTestGateway.start();
      const session = await over.connect(await over.at.peer("d1", {}, { algorithm }));
      expect(await echo(session, algorithm)).toBe(algorithm);
    },
  );

  test.each(["p256", "p384", "ed25519", "rsa:2048"] as const)(
    "knows a gateway with a %s key",
    async (algorithm) => {
      const pki = await mintPki();
      const gateway = await mint(gatewayRecipe(pki.issuing, { algorithm }));
      await using over = await DtlsTestGateway.start({ pki: { ...pki, gateway } });
      const session = await over.connect(await over.at.peer("d1"));
      expect(await echo(session, algorithm)).toBe(algorithm);
    },
  );

  test("is let in with its leaf alone, for the gateway knows the issuing CA", async () => {
    await using over = await DtlsTestGateway.start();
    const peer = await over.at.peer("d1");
    await over.connect(peer, { cert: peer.minted.pem });
  });

  test("is let in with its issuing CA where the gateway knows the root alone", async () => {
    await using over = await DtlsTestGateway.start({ intermediates: [] });
    await over.connect(await over.at.peer("d1"));
  });

  test("an operator is let in as one", async () => {
    await using over = await DtlsTestGateway.start();
    await over.connect(await over.at.peer("alice", { kind: "operator" }));
    expect((await over.at.event("session.opened")).session).toMatchObject({
      kind: "operator",
      deviceId: "alice",
    });
  });

  test("and the same device over MQTT at the same time", async () => {
    await using over = await DtlsTestGateway.start();
    const peer = await over.at.peer("d1");
    const [session, client] = [await over.connect(peer), await over.at.connect(peer)];
    expect(await echo(session, "over UDP")).toBe("over UDP");
    await client.publishAsync("devices/d1/up/x", "over TCP", { qos: 1 });
    expect(
      over.at.gateway
        .sessions()
        .map(({ transport }) => transport)
        .toSorted(),
    ).toEqual(["dtls", "mqtt"]);
  });

  test("goes on from another port, as behind a NAT that forgot it, and the event says so (U4)", async () => {
    await using over = await DtlsTestGateway.start();
    await using nat = await Nat.before(over.port);
    const { cert, key } = (await over.at.peer("d1")).tls;
    const session = await over.dial({ cert, key }, nat.port);
    expect(await echo(session, "before")).toBe("before");
    await nat.rebind();
    expect(await echo(session, "after")).toBe("after");
    const moved = await over.at.event("session.moved");
    expect([moved.session.deviceId, moved.fromAddress]).toEqual(["d1", "127.0.0.1"]);
    expect(over.at.eventsOf("session.opened")).toHaveLength(1);
  });

  test("resumes its session, and its certificate is judged again", async () => {
    await using over = await DtlsTestGateway.start();
    const peer = await over.at.peer("d1");
    const first = await over.connect(peer);
    await until("something to resume with", () => first.session !== undefined);
    await first.close();
    const second = await over.connect(peer, { session: first.session });
    expect(second.reused).toBe(true);
    expect(await echo(second, "again")).toBe("again");
    const opened = over.at.eventsOf("session.opened").map(({ session }) => session.resumed);
    expect(opened).toEqual([false, true]);
  });
});

describe("the session of a device that loses its rights ends within a second, and the alert says why", () => {
  test.each([
    [
      "revoked",
      "certificate_revoked",
      "certificate_revoked",
      (at: TestGateway, peer) => at.registry.revoke(peer),
    ],
    ["removed", "device_unknown", "access_denied", (at: TestGateway) => at.registry.remove("d1")],
    [
      "retired",
      "device_inactive",
      "access_denied",
      (at: TestGateway) => at.registry.put("d1", { status: "retired" }),
    ],
  ] satisfies [string, string, string, Change][])("%s", async (_title, reason, alert, change) => {
    await using over = await DtlsTestGateway.start();
    const { at } = over;
    const peer = await at.peer("d1");
    const session = await over.connect(peer);
    const other = await over.connect(await at.peer("d2"));
    const began = performance.now();
    change(at, peer.minted.certificate);
    expect(await endOf(session)).toBe(alert);
    expect(performance.now() - began).toBeLessThan(1000);
    expect((await at.event("session.closed")).reason).toBe(reason);
    // The twin: who keeps its rights keeps its session.
    expect(await echo(other, "still here")).toBe("still here");
  });

  test("expired", async () => {
    await using over = await DtlsTestGateway.start();
    const notAfter = new Date(Math.ceil((Date.now() + 1500) / 1000) * 1000);
    const session = await over.connect(await over.at.peer("d1", {}, { notAfter }));
    expect(await endOf(session)).toBe("certificate_expired");
    expect(Date.now() - notAfter.getTime()).toBeLessThan(2000);
    expect((await over.at.event("session.closed")).reason).toBe("certificate_expired");
  });
});

type Change = (at: TestGateway, certificate: Certificate) => void;

describe("a reload", () => {
  test("of the anchors ends those whose path is no longer good, and keeps the others", async () => {
    await using over = await DtlsTestGateway.start();
    const { at } = over;
    const root = await mint(rootRecipe({ commonName: "Other root" }));
    const issuing = await mint(issuingRecipe(root, { commonName: "Other issuing CA" }));
    at.gateway.reload({ anchors: [at.pki.root.certificate, root.certificate] });
    const stranger = await mint(deviceRecipe(issuing, "d2"));
    at.registry.put("d2");
    at.registry.know(stranger.certificate, "d2");
    const mine = await over.connect(await at.peer("d1"));
    const theirs = await over.dial(over.shown(stranger, issuing));
    at.gateway.reload({ anchors: [at.pki.root.certificate] });
    expect(await endOf(theirs)).toBe("unknown_ca");
    expect(await echo(mine, "kept")).toBe("kept");
    await at.event(
      "reloaded",
      ({ sessionsKept, sessionsClosed }) => sessionsKept === 1 && sessionsClosed === 1,
    );
  });

  test("of the gateway's certificate shows the new one to the next handshake, and ends nothing", async () => {
    await using over = await DtlsTestGateway.start();
    const { at } = over;
    const peer = await at.peer("d1");
    const before = await over.connect(peer);
    const renewed = await mint(gatewayRecipe(at.pki.issuing));
    at.gateway.reload({
      identity: { key: renewed.signer.exportForTls(), certificateChain: renewed.pem + at.pki.issuing.pem },
    });
    const after = await over.connect(peer);
    expect(Buffer.compare(before.peer?.chain[0] ?? Buffer.alloc(0), at.pki.gateway.certificate.der)).toBe(0);
    expect(Buffer.compare(after.peer?.chain[0] ?? Buffer.alloc(0), renewed.certificate.der)).toBe(0);
    expect(await echo(before, "kept")).toBe("kept");
  });

  test("of a key that DTLS 1.2 does not know is refused, and nothing has changed", async () => {
    await using over = await DtlsTestGateway.start();
    const { at } = over;
    const odd = await mint(gatewayRecipe(at.pki.issuing, { algorithm: "ml-dsa-44" }));
    const identity = { key: odd.signer.exportForTls(), certificateChain: odd.pem + at.pki.issuing.pem };
    expect(() => at.gateway.reload({ identity })).toThrow(
      expect.objectContaining({ code: "GATEWAY_IDENTITY_INVALID" }),
    );
    const session = await over.connect(await at.peer("d1"));
    expect(await echo(session, "as before")).toBe("as before");
  });
});

describe("limits", () => {
  test("one session more than a device may have ends the oldest, in order", async () => {
    await using over = await DtlsTestGateway.start({ limits: { dtlsSessionsPerDevice: 2 } });
    const peer = await over.at.peer("d1");
    const other = await over.connect(await over.at.peer("d2"));
    const oldest = await over.connect(peer);
    const newer = [await over.connect(peer), await over.connect(peer)];
    expect(await endOf(oldest)).toBe("close_notify");
    expect((await over.at.event("session.closed")).reason).toBe("session_displaced");
    for (const session of [...newer, other]) expect(await echo(session, "here")).toBe("here");
  });

  test("a message above dtlsMessageBytes is dropped, one of that size comes back", async () => {
    await using over = await DtlsTestGateway.start({ limits: { dtlsMessageBytes: 100 } });
    const session = await over.connect(await over.at.peer("d1"));
    session.send("x".repeat(101));
    expect(await echo(session, "y".repeat(100))).toBe("y".repeat(100));
  });

  test("a device is told dtlsMessageBytes, where it knows RFC 8449, and its own send refuses more", async () => {
    await using over = await DtlsTestGateway.start();
    const session = await over.connect(await over.at.peer("d1"), { recordSizeLimit: 16_384 });
    expect(session.maxMessageSize).toBe(1152);
    expect(() => session.send("x".repeat(1153))).toThrow(
      expect.objectContaining({ code: "DTLS_MESSAGE_SIZE" }),
    );
    expect(await echo(session, "y".repeat(1152))).toBe("y".repeat(1152));
  });

  test.skipIf(receiveBufferMax() < 1024 * 1024)("what comes in at once waits for its turn", async () => {
    await using over = await DtlsTestGateway.start({ limits: { dtlsMessagesPerSecond: 10_000 } });
    const session = await over.connect(await over.at.peer("d1"));
    let answers = 0;
    session.on("message", () => (answers += 1));
    // In one turn: the gateway, in this process too, reads none of them before the last is sent.
    for (let sent = 0; sent < 600; sent++) session.send("x".repeat(100));
    await until("all of them are back", () => answers === 600);
  });

  test("messages above dtlsMessagesPerSecond are dropped, and the session lives", async () => {
    await using over = await DtlsTestGateway.start({ limits: { dtlsMessagesPerSecond: 5 } });
    const session = await over.connect(await over.at.peer("d1"));
    let answers = 0;
    session.on("message", () => (answers += 1));
    for (let sent = 0; sent < 50; sent++) session.send(`${sent}`);
    await until("a second's worth", () => answers >= 5);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answers).toBeLessThanOrEqual(6);
    await until("the next second's", () => {
      session.send("again");
      return answers > 6;
    });
  });

  test("a session of which nothing is heard for dtlsIdleSeconds ends", async () => {
    await using over = await DtlsTestGateway.start({ limits: { dtlsIdleSeconds: 1 } });
    const session = await over.connect(await over.at.peer("d1"));
    await session.closed.catch(() => undefined);
    expect((await over.at.event("session.closed")).reason).toBe("session_idle");
  });

  test("sessions beyond dtlsSessions are not let in, and those that are stay", async () => {
    await using over = await DtlsTestGateway.start({ limits: { dtlsSessions: 1 } });
    const session = await over.connect(await over.at.peer("d1"));
    const late = over.connect(await over.at.peer("d2"), { handshakeTimeout: 1500 });
    expect(await over.refusedBy(late)).toBe("DTLS_HANDSHAKE_TIMEOUT");
    expect(await echo(session, "still here")).toBe("still here");
  });
});

test("a registry that cannot be asked lets nobody in, and ends nobody", async () => {
  await using over = await DtlsTestGateway.start();
  const { at } = over;
  const before = await over.connect(await at.peer("d1"));
  const late = await at.peer("d2");
  const asked = vi.spyOn(at.registry, "certificate").mockImplementation(() => {
    throw new Error("the database is gone");
  });
  expect(await over.refusedBy(over.connect(late))).toBe("certificate_unknown");
  expect(await at.refusal()).toBe("certificate_refused");
  expect(await echo(before, "still here")).toBe("still here");
  asked.mockRestore();
  expect(await echo(await over.connect(late), "in")).toBe("in");
});

describe("the port", () => {
  test("that another program has is an error where it was named", async () => {
    await using over = await DtlsTestGateway.start();
    await expect(TestGateway.start({ dtlsPort: over.port })).rejects.toMatchObject({
      code: "GATEWAY_LISTEN_FAILED",
      message: expect.stringMatching(new RegExp(`UDP port ${over.port} on 127.0.0.1`)),
    });
  });

  test("with a gateway key that DTLS 1.2 does not know is an error where it was named, a warning where not", async () => {
    const pki = await mintPki();
    const gateway = await mint(gatewayRecipe(pki.issuing, { algorithm: "ml-dsa-44" }));
    const odd = { pki: { ...pki, gateway } };
    await expect(TestGateway.start({ ...odd, dtlsPort: 0 })).rejects.toMatchObject({
      code: "GATEWAY_IDENTITY_INVALID",
    });
    await using at = await TestGateway.start({ ...odd, dtlsPort: "if-free" });
    expect((await at.event("warning")).detail).toMatch(/^there is no DTLS: .*P-256/);
    expect(at.gateway.dtlsPort).toBeUndefined();
  });
});

/** In bytes; 0 where the system is another one. */
function receiveBufferMax(): number {
  const file = "/proc/sys/net/core/rmem_max";
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
}
