import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { expect, onTestFinished, test } from "vitest";
import { GatewayProcess } from "../support/gateway-process.ts";
import { deviceRecipe, type MintedPki, mint, mintPki } from "../support/minted-pki.ts";
import type { TestPeer } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

const kills = 20;
/** For each life of the gateway; all of it together stays below the bound of one session's queue. */
const perLife = { 1: 250, 2: 120 } as const;

test(`killed ${kills} times under load, the gateway loses nothing that it acknowledged`, {
  timeout: 180_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-crash-"));
  const pki = await mintPki();
  const peers = {
    one: await peerOf(pki, "device", "dev-1"),
    two: await peerOf(pki, "device", "dev-2"),
    live: await peerOf(pki, "operator", "live"),
    away: await peerOf(pki, "operator", "away"),
  };
  const gateway = new GatewayProcess(directory, pki, Object.values(peers));
  const clients: MqttClient[] = [];
  onTestFinished(async () => {
    for (const client of clients) client.end(true);
    await gateway.kill();
    rmSync(directory, { recursive: true, force: true });
  });
  await gateway.start();
  const open = async (peer: Pick<TestPeer, "id" | "minted">) => {
    const client = mqtt.connect(connection(pki, peer, gateway.port));
    clients.push(client);
    client.on("error", () => undefined);
    const messages: string[] = [];
    // Before the connection: what waits for this session follows CONNACK at once.
    client.on("message", (_topic, payload) => messages.push(payload.toString()));
    await until(`${peer.id} connects`, () => client.connected, 20_000);
    return { client, messages };
  };

  // The session of `away` exists from here on; its client comes back only when all is over.
  const { client: visitor } = await open(peers.away);
  await visitor.subscribeAsync("devices/+/up/#", { qos: 2 });
  await visitor.endAsync(true);
  const { client: live, messages: receivedLive } = await open(peers.live);
  await live.subscribeAsync("devices/+/up/#", { qos: 2 });
  const publishers = [
    new Publisher((await open(peers.one)).client, "dev-1", 1),
    new Publisher((await open(peers.two)).client, "dev-2", 2),
  ];

  for (let life = 0; life < kills; life++) {
    const before = acknowledged(publishers).length;
    // Somewhere in the middle of the load, another place each time.
    const enough = before + 5 + ((life * 37) % 200);
    for (const publisher of publishers) publisher.load();
    await until("messages are acknowledged", () => acknowledged(publishers).length >= enough, 20_000);
    await gateway.kill();
    await gateway.start();
  }
  await until("all is acknowledged", () => publishers.every((publisher) => publisher.idle), 30_000);

  const received = { live: receivedLive, away: (await open(peers.away)).messages };
  const expected = acknowledged(publishers);
  for (const [who, messages] of Object.entries(received)) {
    const missing = () => expected.filter((message) => !new Set(messages).has(message));
    await until("the last message arrives", () => new Set(messages).size >= expected.length, 20_000).catch(
      () => undefined,
    );
    expect(missing(), `acknowledged, and never delivered to ${who}`).toEqual([]);
    // MQTT-4.3.3: exactly once.
    const two = messages.filter((message) => message.startsWith("dev-2"));
    expect(
      two.filter((message, i) => two.indexOf(message) !== i),
      `QoS 2, delivered twice to ${who}`,
    ).toEqual([]);
  }
  // MQTT-4.6.0-6: what waited in a queue comes in the order of its publication.
  for (const id of ["dev-1", "dev-2"]) {
    const order = received.away
      .filter((message) => message.startsWith(id))
      .map((message) => Number(message.split(" ")[1]));
    const first = order.filter((n, i) => order.indexOf(n) === i);
    expect(first, `order of ${id}`).toEqual(first.toSorted((a, b) => a - b));
  }
  expect(expected.length).toBeGreaterThan(kills * 100);
});

/** Publishes numbered messages, some at a time, and remembers which were acknowledged. */
class Publisher {
  readonly acknowledged: string[] = [];
  readonly #client: MqttClient;
  readonly #id: string;
  readonly #qos: 1 | 2;
  #next = 0;
  #left = 0;
  #outstanding = 0;

  constructor(client: MqttClient, id: string, qos: 1 | 2) {
    this.#client = client;
    this.#id = id;
    this.#qos = qos;
  }

  get idle(): boolean {
    return this.#left === 0 && this.#outstanding === 0;
  }

  load(): void {
    this.#left = perLife[this.#qos];
    this.#more();
  }

  #more(): void {
    while (this.#left > 0 && this.#outstanding < 20) {
      this.#left--;
      this.#outstanding++;
      const message = `${this.#id} ${this.#next++}`;
      this.#client.publish(`devices/${this.#id}/up/load`, message, { qos: this.#qos }, (error) => {
        this.#outstanding--;
        if (!error) this.acknowledged.push(message);
        this.#more();
      });
    }
  }
}

function acknowledged(publishers: readonly Publisher[]): string[] {
  return publishers.flatMap((publisher) => publisher.acknowledged);
}

async function peerOf(pki: MintedPki, kind: "device" | "operator", id: string) {
  const value = `spiffe://sallyport.internal/${kind}/${id}`;
  const name = { subjectAltName: [{ type: "uniformResourceIdentifier" as const, value }] };
  const minted = await mint({ ...deviceRecipe(pki.issuing, id), ...name });
  return { id, kind, minted };
}

/** A session that outlives its connections, on both sides: the client repeats what was not acknowledged. */
function connection(
  pki: MintedPki,
  { id, minted }: Pick<TestPeer, "id" | "minted">,
  port: number,
): IClientOptions {
  return {
    protocol: "mqtts",
    host: "127.0.0.1",
    port,
    ca: pki.root.pem,
    cert: minted.pem + pki.issuing.pem,
    key: minted.signer.exportForTls(),
    checkServerIdentity: () => undefined,
    clientId: id,
    clean: false,
    reconnectPeriod: 50,
  } as IClientOptions;
}
