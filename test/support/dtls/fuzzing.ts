import type { Address } from "../../../dtls/association/settings.ts";
import type { Sealer } from "../../../dtls/record/protection.ts";
import type { ClientExtensions } from "../../../dtls/wire/extensions.ts";
import { ContentType, NamedGroup, SignatureScheme } from "../../../dtls/wire/registry.ts";
import { Prng } from "../../../mitm/prng.ts";
import { AdversaryClient } from "./adversary-client.ts";
import { deviceCredential } from "./credentials.ts";
import { DuelWithClient } from "./duel.ts";
import { EndpointNode } from "./endpoint-node.ts";
import { FakeEnvironment } from "./environment.ts";
import { HonestClient } from "./honest-client.ts";
import { mutate } from "./mutations.ts";
import { keyOf } from "./network.ts";
import { ecdheEcdsa } from "./settings.ts";
import { Simulation } from "./simulation.ts";

/*
 * Mutated datagrams against a server's endpoint and against clients, without sockets and on fake time: to an endpoint
 * that does not know the sender, to handshakes at each of their messages, to established associations from outside
 * and from a peer that has the keys. An exception anywhere ends the run. Meanwhile honest clients go on.
 */

export interface FuzzReport {
  datagrams: number;
  /** How many went where. */
  readonly targets: Record<Target, number>;
  /** Handshakes and associations that were fuzzed to their end, or given up for new ones. */
  victims: number;
  honestHandshakes: number;
  honestEchoes: number;
}

type Target = "stranger" | "server handshake" | "server session" | "server session, sealed" | "client";

const honestHost: Address = { address: "192.0.2.1", port: 1000 };
const clientMessages = [
  "certificate",
  "clientKeyExchange",
  "certificateVerify",
  "changeCipherSpec",
  "finished",
] as const;
/** A victim gets this many mutated datagrams if it lives so long. */
const perVictim = 100;
const perSession = 400;
const honestEvery = 5_000;

const helloExtensions: ClientExtensions = {
  supportedGroups: [NamedGroup.secp256r1],
  signatureAlgorithms: Object.values(SignatureScheme),
  extendedMasterSecret: true,
};

export class Fuzzer {
  readonly report: FuzzReport = {
    datagrams: 0,
    targets: {
      stranger: 0,
      "server handshake": 0,
      "server session": 0,
      "server session, sealed": 0,
      client: 0,
    },
    victims: 0,
    honestHandshakes: 0,
    honestEchoes: 0,
  };
  readonly #prng: Prng;
  readonly #simulation = new Simulation();
  readonly #environment: FakeEnvironment;
  readonly #endpoint: EndpointNode;
  /** What the endpoint sends, by receiver; without one it is lost. */
  readonly #receivers = new Map<string, (datagram: Uint8Array) => void>();
  readonly #device = deviceCredential();
  readonly #corpus: Uint8Array[] = [];
  readonly #regular: HonestClient;
  #nextPort = 0;

  constructor(seed: number) {
    this.#prng = new Prng(seed);
    this.#environment = new FakeEnvironment({
      now: () => this.#simulation.now,
      prng: this.#prng,
      keyShares: "pooled",
    });
    this.#endpoint = new EndpointNode({
      simulation: this.#simulation,
      environment: this.#environment,
      transmit: (datagram, to) => this.#receivers.get(keyOf(to))?.(datagram),
      known: [this.#device],
      listen: {
        maxHandshakesPerHost: 1000,
        handshakeTimeout: 5_000,
        idleTimeout: 30_000,
        maxStoredSessions: 100,
      },
    });
    this.#regular = this.#honestClient(honestHost);
    this.#regular.handshake();
    this.#corpus.push(...this.#regular.seen);
  }

  /** Runs until so many datagrams more were sent. @throws Error for whatever is not as it must be */
  run(datagrams: number): void {
    const end = this.report.datagrams + datagrams;
    let nextHonest = this.report.datagrams + honestEvery;
    while (this.report.datagrams < end) {
      this.#fuzzOneVictim();
      if (this.report.datagrams >= nextHonest) {
        nextHonest += honestEvery;
        this.#checkHonest();
      }
    }
    this.#checkHonest();
    const [thrown] = this.#endpoint.callbackErrors;
    if (thrown !== undefined) throw new Error("a callback failed", { cause: thrown });
  }

  #fuzzOneVictim(): void {
    const before = this.report.datagrams;
    const roll = this.#prng.below(20);
    if (roll < 5) this.#fuzzAsStranger();
    else if (roll < 13) this.#fuzzHandshake();
    else if (roll < 16) this.#fuzzSession();
    else this.#fuzzClient();
    this.report.victims += 1;
    // A thousand datagrams take a second: timers run out, and what was left behind goes.
    this.#simulation.runFor(this.report.datagrams - before);
  }

  #count(target: Target): void {
    this.report.datagrams += 1;
    this.report.targets[target] += 1;
  }

  // --- who is not known ---

  #fuzzAsStranger(): void {
    for (let count = 0; count < perVictim; count += 1) {
      const from = this.#newAddress();
      this.#count("stranger");
      this.#endpoint.receive(mutate(this.#prng.pick(this.#corpus), this.#prng, this.#corpus), from);
    }
  }

  // --- a handshake at one of its messages ---

  #fuzzHandshake(): void {
    const from = this.#newAddress();
    const adversary = this.#adversary();
    const genuine = this.#converse(adversary, from);
    const reached = this.#prng.below(clientMessages.length);
    const others = [...genuine, ...this.#corpus];
    for (const datagram of genuine.slice(0, reached)) this.#endpoint.receive(datagram, from);
    const next = genuine[reached] ?? new Uint8Array();
    const handshakes = this.#endpoint.core.stats.handshaking;
    for (let count = 0; count < perVictim; count += 1) {
      const base = this.#prng.chance(0.8) ? next : this.#prng.pick(others);
      this.#count("server handshake");
      this.#endpoint.receive(mutate(base, this.#prng, others), from);
      if (this.#endpoint.core.stats.handshaking < handshakes) break;
    }
    this.#receivers.delete(keyOf(from));
  }

  // --- an established association ---

  #fuzzSession(): void {
    const from = this.#newAddress();
    const adversary = this.#adversary();
    for (const datagram of this.#converse(adversary, from)) this.#endpoint.receive(datagram, from);
    const sessions = this.#endpoint.core.stats.sessions;
    const { sealer } = adversary;
    if (sealer === undefined || sessions < 2) throw new Error("the adversary has no session to fuzz");
    for (let count = 0; count < perSession; count += 1) {
      if (this.#prng.chance(0.5)) {
        this.#count("server session, sealed");
        this.#endpoint.receive(this.#sealedNoise(sealer), from);
      } else {
        const record = sealer.seal(ContentType.application_data, this.#prng.bytes(20));
        this.#count("server session");
        this.#endpoint.receive(mutate(record, this.#prng, this.#corpus), from);
      }
      if (this.#endpoint.core.stats.sessions < sessions) break;
    }
    this.#receivers.delete(keyOf(from));
    // It goes as it came, or the table would fill up.
    this.#endpoint.receive(sealer.seal(ContentType.alert, Uint8Array.of(1, 0)), from);
  }

  /** From a peer that is who it says it is and sends nonsense: any content type, content of any other one. */
  #sealedNoise(sealer: Sealer): Uint8Array {
    const type = this.#prng.pick([20, 21, 22, 22, 23, 25, 27, 27, 0, this.#prng.below(256)]);
    const genuine = this.#prng.pick(this.#corpus).subarray(13);
    const content = this.#prng.chance(0.5)
      ? mutate(genuine, this.#prng, this.#corpus)
      : this.#prng.bytes(this.#prng.below(30));
    return sealer.seal(type, content.subarray(0, 2000));
  }

  // --- a client ---

  #fuzzClient(): void {
    const duel = new DuelWithClient({ seed: this.#prng.uint32() });
    const { adversary } = duel;
    const order = duel.rightOrder;
    const reached = this.#prng.below(order.length + 1);
    for (const name of order.slice(0, reached)) duel.say(name);
    const script: (() => Uint8Array)[] = [
      () => adversary.helloVerifyRequest(),
      () => adversary.serverHello(),
      () => adversary.certificate(),
      () => adversary.serverKeyExchange(),
      () => adversary.certificateRequest(),
      () => adversary.serverHelloDone(),
      () => adversary.changeCipherSpec(),
      () => adversary.finished(),
      () => adversary.applicationData(this.#prng.bytes(20)),
    ];
    const next = script[reached]?.() ?? new Uint8Array();
    for (let count = 0; count < perVictim && !duel.client.closed; count += 1) {
      const base = this.#prng.chance(0.8) ? next : this.#prng.pick(this.#corpus);
      this.#count("client");
      if (adversary.sealer !== undefined && reached === order.length && this.#prng.chance(0.3)) {
        duel.client.feed(this.#sealedNoise(adversary.sealer));
      } else {
        duel.client.feed(mutate(base, this.#prng, this.#corpus));
      }
    }
    if (duel.session.established && reached < order.length - 1) {
      throw new Error(`a client was established by mutated datagrams after ${order[reached - 1]}`);
    }
    // Whatever was left running.
    duel.client.simulation.runFor(1_000_000);
  }

  // --- those who behave ---

  #checkHonest(): void {
    this.#regular.echo();
    this.report.honestEchoes += 1;
    const address = { address: honestHost.address, port: this.#freshPort() };
    const visitor = this.#honestClient(address);
    visitor.handshake();
    visitor.echo();
    visitor.leave();
    this.#receivers.delete(keyOf(address));
    this.report.honestHandshakes += 1;
  }

  #honestClient(address: Address): HonestClient {
    const client = new HonestClient(this.#prng, (datagram) => this.#endpoint.receive(datagram, address));
    this.#receivers.set(keyOf(address), (datagram) => client.receive(datagram));
    return client;
  }

  // --- what an adversary says ---

  #adversary(): AdversaryClient {
    return new AdversaryClient({
      suite: ecdheEcdsa,
      prng: this.#prng,
      environment: this.#environment,
      credential: this.#device,
      extensions: this.#prng.chance(0.5)
        ? helloExtensions
        : { ...helloExtensions, connectionId: new Uint8Array() },
    });
  }

  /** The cookie exchange and the first flight, then every message of the client's second flight, right and unsent. */
  #converse(adversary: AdversaryClient, from: Address): Uint8Array[] {
    const heard: Uint8Array[] = [];
    this.#receivers.set(keyOf(from), (datagram) => void heard.push(datagram));
    const hear = (): void => void adversary.hear(heard.splice(0));
    this.#endpoint.receive(adversary.clientHello(), from);
    hear();
    this.#endpoint.receive(adversary.clientHello(), from);
    hear();
    this.#receivers.delete(keyOf(from));
    return clientMessages.map((name) => adversary[name]());
  }

  /** Addresses of four hosts, in turns: none of them an honest one. */
  #newAddress(): Address {
    return { address: `203.0.113.${1 + this.#prng.below(4)}`, port: this.#freshPort() };
  }

  #freshPort(): number {
    this.#nextPort = (this.#nextPort + 1) % 60_000;
    return 2000 + this.#nextPort;
  }
}
