/** A session's life against an honest broker that is none of our own code: Aedes behind plain mutual TLS. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type ConnectOptions,
  connect,
  DeviceError,
  type DeviceIdentity,
  type DeviceSession,
  identityFromSigner,
  type Message,
  openSession,
} from "../../device-client/index.ts";
import {
  deviceRecipe,
  gatewayRecipe,
  type Minted,
  type MintedPki,
  mint,
  mintPki,
  rootRecipe,
} from "../support/minted-pki.ts";
import { type ServerIdentity, startRogueServer } from "../support/rogue-server.ts";
import { startTlsBroker, type TlsBroker } from "../support/tls-broker.ts";
import { until } from "../support/until.ts";

let pki: MintedPki;
let broker: TlsBroker;
let cleanUp: AsyncDisposableStack;

beforeAll(async () => {
  pki = await mintPki();
});

beforeEach(async () => {
  cleanUp = new AsyncDisposableStack();
  broker = cleanUp.use(await startTlsBroker(serving(), pki.root.pem));
});

afterEach(() => cleanUp.disposeAsync());

describe("messages", () => {
  test("QoS 0, 1 and 2 arrive once each, and come back to a subscriber", async () => {
    const session = await connected();
    const got = collect(session);
    expect(await session.subscribe("devices/d1/#", { qos: 2 })).toEqual({ filter: "devices/d1/#", qos: 2 });
    for (const qos of [0, 1, 2] as const) await session.publish("devices/d1/x", `q${qos}`, { qos });
    await until("three messages", () => got.length === 3);
    expect(got.map((message) => [message.topic, textOf(message), message.qos])).toEqual([
      ["devices/d1/x", "q0", 0],
      ["devices/d1/x", "q1", 1],
      ["devices/d1/x", "q2", 2],
    ]);
    await session.unsubscribe("devices/d1/#");
    await session.publish("devices/d1/x", "more", { qos: 1 });
    expect(got).toHaveLength(3);
  });

  test("a payload is what it was when publish was called", async () => {
    await broker.pause();
    const session = opened();
    const bytes = Buffer.from("before");
    const sent = session.publish("t", bytes, { qos: 1 });
    bytes.write("after!");
    await broker.resume();
    await sent;
    expect(broker.arrived).toEqual(["t before"]);
  });

  test("MQTT 3.1.1 §3.9.3: SUBACK 0x80 rejects with DEVICE_SUBSCRIBE_REFUSED", async () => {
    broker.aedes.authorizeSubscribe = (_client, subscription, done) =>
      done(null, subscription.topic === "forbidden" ? null : subscription);
    const session = await connected();
    const error = await failure(session.subscribe("forbidden", { qos: 1 }));
    expect([error.code, error.returnCode]).toEqual(["DEVICE_SUBSCRIBE_REFUSED", 128]);
    expect(session.state).toBe("connected");
    expect((await session.subscribe("allowed")).qos).toBe(0);
  });

  test("what the gateway kept for a persistent session arrives right after CONNACK and is not lost", async () => {
    await using first = await connect(options());
    await first.subscribe("kept", { qos: 1 });
    await first.close();
    for (const payload of ["1", "2", "3"]) await brokerPublish("kept", payload);
    const session = await connected();
    const got = collect(session);
    await until("three kept messages", () => got.length === 3);
    expect(got.map(textOf)).toEqual(["1", "2", "3"]);
  });
});

describe("reconnecting", () => {
  test("after a cut the session comes back by itself, with its subscriptions", async () => {
    const session = await connected();
    const got = collect(session);
    await session.subscribe("down", { qos: 1 });
    const events = record(session);
    broker.cut();
    await until("connected again", () => events.includes("connected"));
    expect(events).toEqual(["disconnected DEVICE_CONNECTION_LOST", "reconnecting 1", "connected"]);
    await brokerPublish("down", "hello");
    await until("the message", () => got.length === 1);
  });

  test("a gateway that forgot the session is subscribed to again", async () => {
    const session = await connected({ cleanSession: true });
    const got = collect(session);
    await session.subscribe("down", { qos: 1 });
    const events = record(session);
    broker.cut();
    await until("connected again", () => events.includes("connected"));
    await until("subscribed again", () => broker.subscribed.length === 2);
    await brokerPublish("down", "hello");
    await until("the message", () => got.length === 1);
    expect(broker.subscribed).toEqual(["down", "down"]);
  });

  test("rights that are gone by then are reported: subscription-lost", async () => {
    const session = await connected({ cleanSession: true });
    await session.subscribe("down", { qos: 1 });
    broker.aedes.authorizeSubscribe = (_client, _subscription, done) => done(null, null);
    const lost: string[] = [];
    session.on("subscription-lost", ({ filter, error }) => lost.push(`${filter} ${error.code}`));
    broker.cut();
    await until("the event", () => lost.length > 0);
    expect(lost).toEqual(["down DEVICE_SUBSCRIBE_REFUSED"]);
  });

  test("publishes and subscribes made offline go out in order once connected", async () => {
    const session = await connected();
    await broker.pause();
    await until("offline", () => session.state !== "connected");
    const got = collect(session);
    const subscribed = session.subscribe("echo", { qos: 1 });
    const sent = ["1", "2", "3", "4"].map((payload) => session.publish("echo", payload, { qos: 1 }));
    expect(session.pending.waiting).toBe(4);
    await broker.resume();
    await Promise.all([subscribed, ...sent]);
    expect(broker.arrived).toEqual(["echo 1", "echo 2", "echo 3", "echo 4"]);
    expect(session.pending).toEqual({ waiting: 0, inFlight: 0, bytes: 0 });
    await until("the echo", () => got.length === 4);
  });

  test("a QoS 1 message whose acknowledgement is lost is sent again, marked as a duplicate", async () => {
    const session = await connected();
    let held = 0;
    broker.aedes.authorizePublish = (client, _packet, done) => {
      held += 1;
      if (held === 1) client?.conn.destroy();
      else done(null);
    };
    await session.publish("t", "precious", { qos: 1 });
    expect(held).toBe(2);
    expect(broker.arrived).toEqual(["t precious"]);
  });

  test("cut again and again in mid-flow: QoS 1 arrives at least once, QoS 2 exactly once", async () => {
    const session = await connected();
    const got = collect(session);
    await session.subscribe("down", { qos: 1 });
    const sent: Array<Promise<unknown>> = [];
    for (let i = 0; i < 200; i++) {
      sent.push(session.publish("up1", `${i}`, { qos: 1 }), session.publish("up2", `${i}`, { qos: 2 }));
      sent.push(brokerPublish("down", `${i}`));
      if (i % 40 === 20) {
        await until("some progress", () => session.state === "connected" && session.pending.inFlight > 0);
        broker.cut();
      }
    }
    await Promise.all(sent);
    await until(
      "all of it",
      () => new Set(broker.arrived).size === 400 && new Set(got.map(textOf)).size === 200,
    );
    const twice = broker.arrived.filter(
      (one, at) => one.startsWith("up2") && broker.arrived.indexOf(one) !== at,
    );
    expect(twice).toEqual([]);
    expect(session.pending).toEqual({ waiting: 0, inFlight: 0, bytes: 0 });
  });

  test("QoS 0 is at most once: cut off while it waits for the socket, it rejects and is not sent again", async () => {
    const session = await connected();
    for (const socket of broker.sockets) socket.pause();
    const block = new Uint8Array(200_000);
    const outcomes: string[] = [];
    for (let i = 0; i < 60; i++) {
      session.publish("t", block).then(
        () => outcomes.push("written"),
        (error: DeviceError) => outcomes.push(error.code),
      );
    }
    await until("back-pressure", () => session.pending.inFlight > 0 && outcomes.length > 0);
    broker.cut();
    await until("all settled", () => outcomes.length === 60);
    expect(outcomes).toContain("DEVICE_CONNECTION_LOST");
  });

  test("a full queue rejects the newest, and the rest still arrives", async () => {
    await broker.pause();
    const session = opened({ queue: { maxMessages: 2 } });
    const sent = [session.publish("t", "1", { qos: 1 }), session.publish("t", "2", { qos: 1 })];
    expect((await failure(session.publish("t", "3", { qos: 1 }))).code).toBe("DEVICE_QUEUE_FULL");
    await broker.resume();
    await Promise.all(sent);
    expect(broker.arrived).toEqual(["t 1", "t 2"]);
  });

  test("delays grow with each failure, and begin anew after a connection that lasted", async () => {
    await broker.pause();
    const delays: number[] = [];
    const stable: Array<() => void> = [];
    const session = opened({
      random: () => 0.5,
      reconnect: { minMs: 1000, maxMs: 8000, stableAfterMs: 777 },
      startTimer: (callback, delayMs) => {
        if (delayMs === 777) stable.push(callback);
        const timer = setTimeout(callback, delayMs > 10_000 || delayMs === 777 ? 60_000 : 1);
        return () => clearTimeout(timer);
      },
    });
    session.on("reconnecting", ({ delayMs }) => delays.push(delayMs));
    await until("five failures", () => delays.length >= 5);
    expect(delays.slice(0, 5)).toEqual([500, 1000, 2000, 4000, 4000]);
    await broker.resume();
    await until("connected", () => session.state === "connected");
    const before = delays.length;
    broker.cut();
    await until("one more", () => delays.length > before);
    // A gateway that accepts and cuts at once is not hammered.
    expect(delays[before]).toBe(4000);
    await until("connected again", () => session.state === "connected");
    stable.at(-1)?.();
    broker.cut();
    await until("one more", () => delays.length > before + 1);
    expect(delays[before + 1]).toBe(500);
  });

  test("D-CERT-34: an untrusted gateway is retried slowly under the same rules, until the right one is back", async () => {
    const { port } = broker;
    await broker.pause();
    const rogueRoot = await mint(rootRecipe());
    const rogue = await mint(gatewayRecipe(rogueRoot));
    const server = await startRogueServer(
      { signer: rogue.signer, chain: [rogue] },
      { maxVersion: "TLSv1.2" },
      undefined,
      port,
    );
    const delays: number[] = [];
    const refusals: string[] = [];
    const session = opened({
      random: () => 0,
      reconnect: { minMs: 10, maxMs: 1000 },
      startTimer: (callback, delayMs) => {
        const timer = setTimeout(callback, delayMs === 500 ? 1 : delayMs);
        return () => clearTimeout(timer);
      },
    });
    session.on("reconnecting", ({ delayMs }) => delays.push(delayMs));
    session.on("refused", ({ error }) => refusals.push(error.code));
    const sent = session.publish("t", "secret", { qos: 1 });
    await until("six refusals", () => refusals.length >= 6);
    expect(new Set(delays)).toEqual(new Set([500]));
    expect(new Set(refusals)).toEqual(new Set(["DEVICE_GATEWAY_UNTRUSTED"]));
    expect([server.handshakes >= 6, server.leakedBytes]).toEqual([true, 0]);
    await server[Symbol.asyncDispose]();
    await broker.resume();
    await sent;
    await until("the message at the right gateway", () => broker.arrived.length === 1);
  });
});

describe("refused by the gateway", () => {
  test("CONNACK 5: DEVICE_REFUSED with its return code, and retries at the slow pace", async () => {
    broker.aedes.authenticate = (_client, _user, _password, done) =>
      done(Object.assign(new Error("no"), { returnCode: 5 }), false);
    const error = await failure(connect(options()));
    expect([error.code, error.returnCode, error.retry]).toEqual(["DEVICE_REFUSED", 5, "slowly"]);
  });

  test("a close before CONNACK is a refusal too: in TLS 1.3 a refused certificate looks like that", async () => {
    await using server = await startRogueServer(serving(), {}, (socket) => socket.destroy());
    const error = await failure(connect(options(server.port)));
    expect([error.code, error.returnCode]).toEqual(["DEVICE_REFUSED", undefined]);
  });
});

describe("change of identity", () => {
  let renewed: DeviceIdentity;

  beforeAll(async () => {
    renewed = identityOf(await mint(deviceRecipe(pki.issuing)));
  });

  test("the session goes on under the new certificate and no message is lost in either direction", async () => {
    const session = await connected();
    const got = collect(session);
    await session.subscribe("down", { qos: 1 });
    const sent: Array<Promise<void>> = [];
    for (let i = 0; i < 50; i++) sent.push(session.publish("up", `${i}`, { qos: 1 }));
    const replaced = session.replaceIdentity(renewed);
    for (let i = 50; i < 100; i++) sent.push(session.publish("up", `${i}`, { qos: 1 }));
    for (let i = 0; i < 20; i++) await brokerPublish("down", `${i}`);
    await Promise.all([replaced, ...sent]);
    expect(session.identity).toBe(renewed);
    expect(broker.shown.at(-1)).toBe(renewed.certificate.fingerprint);
    // Aedes tells of a message after it has acknowledged it.
    await until("all that was sent up", () => new Set(broker.arrived).size === 100);
    await until("all that was sent down", () => new Set(got.map(textOf)).size === 20);
  });

  test("reconnects use the new identity from then on", async () => {
    const session = await connected();
    await session.replaceIdentity(renewed);
    const events = record(session);
    broker.cut();
    await until("connected again", () => events.includes("connected"));
    expect(broker.shown.at(-1)).toBe(renewed.certificate.fingerprint);
  });

  test("a new identity that the gateway refuses: rejected, and the session goes on under the old one", async () => {
    const stranger = await mintPki();
    const foreign = identityFromSigner(stranger.device.signer, {
      certificate: stranger.device.pem + stranger.issuing.pem,
      ca: pki.root.pem,
    });
    const session = await connected();
    const sent = session.publish("up", "1", { qos: 1 });
    expect((await failure(session.replaceIdentity(foreign))).code).toBe("DEVICE_REFUSED");
    await until("connected again", () => session.state === "connected");
    await sent;
    await session.publish("up", "2", { qos: 1 });
    expect(new Set(broker.arrived)).toEqual(new Set(["up 1", "up 2"]));
    expect(broker.shown.at(-1)).toBe(pki.device.certificate.fingerprint);
    expect(session.identity.certificate.fingerprint).toBe(pki.device.certificate.fingerprint);
  });

  test("trust anchors that do not accept the gateway: rejected, and the session goes on", async () => {
    const stranger = await mintPki();
    const parts = { certificate: pki.device.pem + pki.issuing.pem, ca: stranger.root.pem };
    const session = await connected();
    const blind = identityFromSigner(pki.device.signer, parts);
    expect((await failure(session.replaceIdentity(blind))).code).toBe("DEVICE_GATEWAY_UNTRUSTED");
    await until("connected again", () => session.state === "connected");
  });

  test("offline it waits for the gateway; a second change meanwhile is refused", async () => {
    await broker.pause();
    const session = opened();
    const replaced = session.replaceIdentity(renewed);
    expect((await failure(session.replaceIdentity(renewed))).code).toBe("DEVICE_IDENTITY_BUSY");
    await broker.resume();
    await replaced;
    expect(broker.shown).toEqual([renewed.certificate.fingerprint]);
  });

  test("another device's identity is refused and the connection is not touched", async () => {
    const session = await connected();
    const other = identityOf(await mint(deviceRecipe(pki.issuing, "d2")));
    expect((await failure(session.replaceIdentity(other))).code).toBe("DEVICE_IDENTITY_OTHER_DEVICE");
    expect([session.state, broker.shown.length]).toEqual(["connected", 1]);
  });
});

describe("the end", () => {
  const will = { topic: "wills/d1", payload: "gone" };

  test("MQTT 3.1.1 §3.14.4: close sends DISCONNECT, so no will is published", async () => {
    const wills: string[] = [];
    broker.aedes.on("publish", (packet) => {
      if (packet.topic === will.topic) wills.push(packet.payload.toString());
    });
    const session = await connected({ will });
    await session.close();
    await until("closed at the broker", () => broker.sockets.size === 0);
    expect(wills).toEqual([]);
    const cut = await connected({ will });
    broker.cut();
    await until("the will of the one that was cut", () => wills.length === 1);
    await cut.close();
    expect(wills).toEqual(["gone"]);
  });

  test("unsettled work rejects with DEVICE_CLOSED, later calls too, and close is idempotent", async () => {
    await broker.pause();
    const session = opened();
    const pending = [
      session.publish("t", "1", { qos: 1 }),
      session.subscribe("t"),
      session.replaceIdentity(identityOf(pki.device)),
    ];
    const outcomes = Promise.all(pending.map((each) => failure(each)));
    await Promise.all([session.close(), session.close()]);
    expect((await outcomes).map((error) => error.code)).toEqual([
      "DEVICE_CLOSED",
      "DEVICE_CLOSED",
      "DEVICE_CLOSED",
    ]);
    expect((await failure(session.publish("t", "2"))).code).toBe("DEVICE_CLOSED");
    expect((await failure(session.subscribe("t"))).code).toBe("DEVICE_CLOSED");
    expect(session.state).toBe("closed");
  });

  test.each(["connected", "disconnected", "reconnecting", "message"] as const)(
    "a listener of %s may close the session",
    async (event) => {
      const session = opened();
      const closed = new Promise<void>((resolve) => session.on("closed", () => resolve()));
      session.on(event, () => void session.close());
      if (event !== "connected") {
        await session.subscribe("down", { qos: 1 });
        await brokerPublish("down", "x");
        if (event !== "message") broker.cut();
      }
      await closed;
      await until("closed at the broker", () => broker.sockets.size === 0);
      expect(session.state).toBe("closed");
    },
  );

  test("a publish while the session closes is rejected, not forgotten", async () => {
    const session = await connected();
    const closing = session.close();
    expect((await failure(session.publish("t", "late"))).code).toBe("DEVICE_CLOSED");
    await closing;
  });

  test("await using closes", async () => {
    {
      await using session = await connect(options());
      expect(session.state).toBe("connected");
    }
    await until("closed at the broker", () => broker.sockets.size === 0);
  });

  test("closing between two attempts, and within one, leaves no timer behind", async () => {
    await broker.pause();
    const timers = new Set<object>();
    const startTimer: ConnectOptions["startTimer"] = (callback, delayMs) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        callback();
      }, delayMs);
      timers.add(timer);
      return () => {
        timers.delete(timer);
        clearTimeout(timer);
      };
    };
    const within = openSession({ ...options(), startTimer });
    await within.close();
    const between = openSession({
      ...options(),
      startTimer,
      random: () => 0.99,
      reconnect: { minMs: 50_000 },
    });
    await until("waiting", () => between.state === "waiting");
    await between.close();
    expect(timers.size).toBe(0);
  });
});

function serving(): ServerIdentity {
  return { signer: pki.gateway.signer, chain: [pki.gateway, pki.issuing] };
}

function identityOf(minted: Minted): DeviceIdentity {
  return identityFromSigner(minted.signer, { certificate: minted.pem + pki.issuing.pem, ca: pki.root.pem });
}

function options(port = broker.port): ConnectOptions {
  return {
    identity: identityOf(pki.device),
    gateway: { host: "127.0.0.1", port, serverName: "gateway.test" },
    reconnect: { minMs: 5, maxMs: 50 },
  };
}

async function connected(over: Partial<ConnectOptions> = {}): Promise<DeviceSession> {
  return cleanUp.use(await connect({ ...options(), ...over }));
}

function opened(over: Partial<ConnectOptions> = {}): DeviceSession {
  return cleanUp.use(openSession({ ...options(), ...over }));
}

function collect(session: DeviceSession): Message[] {
  const got: Message[] = [];
  session.on("message", (message) => got.push(message));
  return got;
}

function record(session: DeviceSession): string[] {
  const events: string[] = [];
  session.on("connected", () => events.push("connected"));
  session.on("disconnected", ({ reason }) => events.push(`disconnected ${reason?.code}`));
  session.on("reconnecting", ({ attempt }) => events.push(`reconnecting ${attempt}`));
  return events;
}

function textOf(message: Message): string {
  return Buffer.from(message.payload).toString();
}

function brokerPublish(topic: string, payload: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const packet = { cmd: "publish", topic, payload, qos: 1, retain: false, dup: false } as const;
    broker.aedes.publish(packet, (error) => (error ? reject(error) : resolve()));
  });
}

async function failure(promise: Promise<unknown>): Promise<DeviceError> {
  const outcome = await promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
  if (outcome instanceof DeviceError) return outcome;
  throw outcome;
}
