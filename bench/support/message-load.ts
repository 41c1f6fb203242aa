import type { Job } from "./load.ts";
import { type Measured, Window } from "./measure.ts";
import { firstByte, PublishTemplate, pubackPacket, type Qos, readDelivery } from "./mqtt-packets.ts";
import { clientContext, RawClient } from "./raw-client.ts";
import { payloadBytes, peers, type Workload } from "./workloads.ts";

/** Every publisher to one subscriber; a publisher sends again when its message was delivered (QoS 1: and acknowledged). */
export async function fanInLoad(
  job: Job,
  { qos, outstanding, durable }: Extract<Workload, { kind: "fan-in" }>,
): Promise<Measured> {
  const window = new Window(job.pid, job.settleMs, job.windowMs);
  const publishers = await openPublishers(job, qos, peers);
  const subscriber = await openOperator(job, "sink", !durable);
  let flushing = false;
  const flush = () => {
    flushing = false;
    for (const publisher of publishers) publisher.fill(outstanding / peers);
  };
  // One write per publisher and turn, however many deliveries one read brought.
  const flushSoon = () => {
    if (!flushing) queueMicrotask(flush);
    flushing = true;
  };
  await subscriber.subscribe("devices/+/up/t", qos);
  countDeliveries(subscriber, qos, (sender) => {
    window.operations++;
    const publisher = publishers[sender];
    if (publisher !== undefined) publisher.delivered++;
    flushSoon();
  });
  for (const publisher of publishers) publisher.onAcknowledged = flushSoon;
  flush();
  const measured = await window.run();
  await finish(publishers, [subscriber]);
  // A kept session would take the next measurement's messages along.
  if (durable) await (await openOperator(job, "sink", true)).close();
  return measured;
}

/** One publisher to many subscribers; it sends again when a message's worth of deliveries has arrived. */
export async function fanOutLoad(
  job: Job,
  { qos, outstanding }: Extract<Workload, { kind: "fan-out" }>,
): Promise<Measured> {
  const window = new Window(job.pid, job.settleMs, job.windowMs);
  const publishers = await openPublishers(job, qos, 1);
  const publisher = publishers[0];
  if (publisher === undefined) throw new Error("unreachable: no publisher");
  const subscribers = await Promise.all(
    Array.from({ length: peers }, (_, i) => openOperator(job, `sink-${i}`, true)),
  );
  let flushing = false;
  const flush = () => {
    flushing = false;
    publisher.delivered = Math.floor(window.operations / peers);
    publisher.fill(outstanding / peers);
  };
  const flushSoon = () => {
    if (!flushing) queueMicrotask(flush);
    flushing = true;
  };
  publisher.onAcknowledged = flushSoon;
  for (const subscriber of subscribers) {
    await subscriber.subscribe("devices/+/up/t", qos);
    countDeliveries(subscriber, qos, () => {
      window.operations++;
      flushSoon();
    });
  }
  flush();
  const measured = await window.run();
  await finish(publishers, subscribers);
  return measured;
}

/** A fixed rate, spread over all publishers, so that the broker wakes up for nearly every message. */
export async function pacedLoad(
  job: Job,
  { qos, perSecond }: Extract<Workload, { kind: "paced" }>,
): Promise<Measured> {
  const window = new Window(job.pid, job.settleMs, job.windowMs);
  const publishers = await openPublishers(job, qos, peers);
  const subscriber = await openOperator(job, "sink", true);
  await subscriber.subscribe("devices/+/up/t", qos);
  countDeliveries(subscriber, qos, (_sender, sentAt) => {
    window.operations++;
    window.latency(sentAt);
  });
  const started = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - started) * perSecond) / 1000);
    for (; sent < due; sent++) publishers[sent % peers]?.send(1);
  }, 1);
  try {
    return await window.run();
  } finally {
    clearInterval(timer);
    await finish(publishers, [subscriber]);
  }
}

/** A device that publishes on its own topic. */
class Publisher {
  delivered = 0;
  onAcknowledged: () => void = () => {};
  readonly client: RawClient;
  readonly #template: PublishTemplate;
  readonly #qos: Qos;
  #sent = 0;
  #acknowledged = 0;

  constructor(client: RawClient, qos: Qos, number: number) {
    this.client = client;
    this.#qos = qos;
    this.#template = new PublishTemplate(`devices/${client.clientId}/up/t`, qos, payloadBytes, number);
    client.onPacket = (first) => {
      if (first !== firstByte.puback) return;
      this.#acknowledged++;
      this.onAcknowledged();
    };
  }

  /** Sends what is missing to have `outstanding` messages under way. */
  fill(outstanding: number): void {
    const done = this.#qos === 0 ? this.delivered : Math.min(this.delivered, this.#acknowledged);
    this.send(done + outstanding - this.#sent);
  }

  send(count: number): void {
    if (count <= 0 || !this.client.socket.writable) return;
    const { length } = this.#template;
    const bytes = Buffer.allocUnsafe(count * length);
    const now = performance.now();
    for (let i = 0; i < count; i++) {
      this.#template.copyTo(bytes, i * length, this.#qos === 0 ? 0 : this.client.nextPacketId(), now);
    }
    this.#sent += count;
    this.client.socket.write(bytes);
  }
}

async function openPublishers(job: Job, qos: Qos, count: number): Promise<Publisher[]> {
  return Promise.all(
    job.pki.devices.slice(0, count).map(async (files, number) => {
      const context = clientContext(files, job.pki.ca);
      return new Publisher(
        await RawClient.open({ port: job.port, context, clientId: files.id }),
        qos,
        number,
      );
    }),
  );
}

function openOperator(job: Job, session: string, cleanSession: boolean): Promise<RawClient> {
  const { operator, ca } = job.pki;
  const context = clientContext(operator, ca);
  return RawClient.open({ port: job.port, context, clientId: `${operator.id}/${session}`, cleanSession });
}

/** Hands each delivery on, and acknowledges QoS 1 in one write per turn. */
function countDeliveries(
  subscriber: RawClient,
  qos: Qos,
  onDelivery: (sender: number, sentAt: number) => void,
): void {
  let acknowledgements: Buffer[] = [];
  const acknowledge = () => {
    if (subscriber.socket.writable) subscriber.socket.write(Buffer.concat(acknowledgements));
    acknowledgements = [];
  };
  subscriber.onPacket = (first, bytes, start) => {
    if ((first & 0xf0) !== firstByte.publish) return;
    const delivery = readDelivery(first, bytes, start);
    if (qos === 1) {
      if (acknowledgements.length === 0) queueMicrotask(acknowledge);
      acknowledgements.push(pubackPacket(delivery.packetId));
    }
    onDelivery(delivery.sender, delivery.sentAt);
  };
}

async function finish(publishers: readonly Publisher[], subscribers: readonly RawClient[]): Promise<void> {
  // Publishers first: what is still under way drains into subscribers that are there to take it.
  await Promise.all(publishers.map((publisher) => publisher.client.close()));
  await Promise.all(subscribers.map((subscriber) => subscriber.close()));
}
