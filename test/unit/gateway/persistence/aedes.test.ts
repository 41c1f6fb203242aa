import { duplexPair } from "node:stream";
import { Aedes } from "aedes";
import mqttPacket, { type Packet } from "mqtt-packet";
import { expect, onTestFinished, test } from "vitest";
import { SqlitePersistence } from "../../../../gateway/persistence/persistence.ts";
import { until } from "../../../support/until.ts";
import { openDirect, refusalOf, SlowStore, temporaryFile, turns } from "./harness.ts";

/** aedes as it is, on the persistence; messages are stored before their PUBACK, as the gateway does it. */
async function brokerOn(persistence: SqlitePersistence): Promise<Aedes> {
  const broker = new Aedes({
    persistence,
    authorizePublish: (client, packet, done) => {
      const stored = persistence.storeInbound({ id: client?.id ?? "" }, packet);
      if (packet.qos !== 1) return done(null);
      void settle(stored, done);
    },
  });
  await broker.listen();
  onTestFinished(() => new Promise<void>((resolve) => broker.close(resolve)));
  return broker;
}

async function settle(work: Promise<void>, done: (error: Error | null) => void): Promise<void> {
  const refused = await refusalOf(work);
  done(refused === undefined ? null : new Error(refused));
}

class Peer {
  readonly packets: Packet[] = [];
  closed = false;
  readonly #end;

  constructor(broker: Aedes) {
    const [theirs, ours] = duplexPair();
    broker.handle(theirs);
    this.#end = ours;
    const parser = mqttPacket.parser();
    parser.on("packet", (packet) => this.packets.push(packet));
    ours.on("data", (chunk: Buffer) => parser.parse(chunk));
    ours.on("close", () => {
      this.closed = true;
    });
  }

  static async connect(broker: Aedes, clientId: string, clean: boolean): Promise<Peer> {
    const peer = new Peer(broker);
    peer.send({ cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId, clean, keepalive: 0 });
    await peer.until("connack");
    return peer;
  }

  /** All of them in one chunk. */
  send(...packets: Packet[]): void {
    this.#end.write(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))));
  }

  async until(cmd: Packet["cmd"], count = 1): Promise<Packet[]> {
    await until(`${count} ${cmd}`, () => this.of(cmd).length >= count, 5000);
    return this.of(cmd);
  }

  of(cmd: Packet["cmd"]): Packet[] {
    return this.packets.filter((packet) => packet.cmd === cmd);
  }

  get messages(): string[] {
    return this.packets.flatMap((packet) => (packet.cmd === "publish" ? [packet.payload.toString()] : []));
  }

  async subscribe(...subscriptions: { topic: string; qos: 0 | 1 | 2 }[]): Promise<void> {
    this.send({ cmd: "subscribe", messageId: 1, subscriptions });
    await this.until("suback");
  }

  destroy(): void {
    this.#end.destroy();
  }
}

const publish = (
  payload: string,
  rest: { qos?: 0 | 1 | 2; retain?: boolean; messageId?: number } = {},
): Packet => ({
  cmd: "publish",
  topic: "up/a",
  payload,
  qos: 0,
  retain: false,
  dup: false,
  ...rest,
});

test("PUBACK is written when the message is on disk, not before", async () => {
  const store = new SlowStore();
  const persistence = new SqlitePersistence(store);
  const broker = await brokerOn(persistence);
  const subscribed = persistence.addSubscriptions({ id: "away" }, [{ topic: "up/#", qos: 1 }]);
  await store.written();
  await subscribed;
  const publisher = await Peer.connect(broker, "dev", true);
  publisher.send(publish("1", { qos: 1, messageId: 7 }));
  await until("the message reaches the store", () => store.transactions.length === 2);
  await turns();
  expect(publisher.of("puback")).toEqual([]);
  await store.written();
  expect(await publisher.until("puback")).toMatchObject([{ messageId: 7 }]);
});

test("a message whose publisher left before its PUBACK reaches those who are connected, once", async () => {
  const store = new SlowStore();
  const persistence = new SqlitePersistence(store);
  const broker = await brokerOn(persistence);
  const subscriber = await Peer.connect(broker, "sub", false);
  const subscribed = subscriber.subscribe({ topic: "up/#", qos: 1 });
  await until("the subscription reaches the store", () => store.transactions.length === 1);
  await store.written();
  await subscribed;
  const publisher = await Peer.connect(broker, "dev", true);
  publisher.send(publish("1", { qos: 1, messageId: 7 }));
  await until("the message reaches the store", () => store.transactions.length === 2);
  publisher.destroy();
  await until("it has left", () => broker.connectedClients === 1);
  await store.written();
  persistence.publishStranded(0);
  persistence.publishStranded(0);
  const [received] = await subscriber.until("publish");
  expect(received).toMatchObject({ payload: Buffer.from("1"), qos: 1 });
  await store.written();
  await turns();
  expect(subscriber.messages).toEqual(["1"]);
  expect(persistence.stats().queued).toBe(1);
});

test("a retained message is not dropped for the plain one behind it in the same chunk", async () => {
  const broker = await brokerOn(openDirect(temporaryFile()));
  const subscriber = await Peer.connect(broker, "sub", true);
  await subscriber.subscribe({ topic: "up/#", qos: 2 });
  const publisher = await Peer.connect(broker, "dev", true);
  publisher.send(
    publish("q0 retained", { retain: true }),
    publish("q0"),
    publish("q2 retained", { qos: 2, messageId: 1, retain: true }),
    publish("q2", { qos: 2, messageId: 2 }),
    publish("q1 retained", { qos: 1, messageId: 3, retain: true }),
    publish("q1", { qos: 1, messageId: 4 }),
  );
  await subscriber.until("publish", 6);
  for (const qos of ["q0", "q1", "q2"]) {
    expect(subscriber.messages.filter((text) => text.startsWith(qos))).toEqual([`${qos} retained`, qos]);
  }
});

test("a resumed session gets what it did not acknowledge again, with DUP and the same identifier, then the rest", async () => {
  const broker = await brokerOn(openDirect(temporaryFile()));
  const first = await Peer.connect(broker, "sub", false);
  await first.subscribe({ topic: "up/#", qos: 1 });
  const publisher = await Peer.connect(broker, "dev", true);
  publisher.send(publish("1", { qos: 1, messageId: 1 }), publish("2", { qos: 1, messageId: 2 }));
  const [one, two] = await first.until("publish", 2);
  first.send({ cmd: "puback", messageId: one?.messageId ?? 0 });
  await turns();
  first.destroy();
  await until("the session is offline", () => broker.connectedClients === 1);
  publisher.send(publish("3", { qos: 1, messageId: 3 }));
  await publisher.until("puback", 3);
  const second = await Peer.connect(broker, "sub", false);
  await second.until("publish", 2);
  expect(second.of("connack")).toMatchObject([{ sessionPresent: true }]);
  expect(second.packets[0]?.cmd).toBe("connack");
  expect(second.of("publish")).toMatchObject([
    { payload: Buffer.from("2"), dup: true, messageId: two?.messageId },
    { payload: Buffer.from("3"), dup: false },
  ]);
});

test("overlapping subscriptions: delivered once, kept until acknowledged, and the connection lives", async () => {
  const persistence = openDirect(temporaryFile());
  const broker = await brokerOn(persistence);
  const subscriber = await Peer.connect(broker, "sub", false);
  await subscriber.subscribe({ topic: "up/#", qos: 1 }, { topic: "up/a", qos: 2 }, { topic: "+/a", qos: 0 });
  const publisher = await Peer.connect(broker, "dev", true);
  for (let i = 1; i <= 20; i++) publisher.send(publish(`${i}`, { qos: 1, messageId: i }));
  await publisher.until("puback", 20);
  await until("all arrive", () => new Set(subscriber.messages).size === 20);
  await turns();
  expect(subscriber.messages).toHaveLength(20);
  for (const packet of subscriber.of("publish")) {
    if (packet.messageId !== undefined) subscriber.send({ cmd: "puback", messageId: packet.messageId });
  }
  await until("the queue is empty", () => persistence.stats().queued === 0);
  expect(subscriber.closed).toBe(false);
});

test("MQTT-4.3.3: QoS 2 all the way, and nothing is left behind", async () => {
  const persistence = openDirect(temporaryFile());
  const broker = await brokerOn(persistence);
  const subscriber = await Peer.connect(broker, "sub", false);
  await subscriber.subscribe({ topic: "up/#", qos: 2 });
  const publisher = await Peer.connect(broker, "dev", false);
  publisher.send(publish("1", { qos: 2, messageId: 5 }));
  await publisher.until("pubrec");
  // A repetition before PUBREL is answered and not delivered again.
  publisher.send(publish("1", { qos: 2, messageId: 5 }));
  await publisher.until("pubrec", 2);
  publisher.send({ cmd: "pubrel", messageId: 5 });
  await publisher.until("pubcomp");
  const [received] = await subscriber.until("publish");
  const messageId = received?.messageId ?? 0;
  subscriber.send({ cmd: "pubrec", messageId });
  await subscriber.until("pubrel");
  subscriber.send({ cmd: "pubcomp", messageId });
  await until("nothing is left", () => persistence.stats().queued === 0 && persistence.stats().inbound === 0);
  expect(subscriber.messages).toEqual(["1"]);
});
