import { Association, type FirstHello } from "../../../dtls/association/association.ts";
import type {
  Address,
  ClientSettings,
  Environment,
  ServerSettings,
} from "../../../dtls/association/settings.ts";
import type { Application } from "./application.ts";
import { HelloGate } from "./hello-gate.ts";
import { keyOf, type Network } from "./network.ts";
import { Session } from "./session.ts";

export interface NodeOptions<Settings> {
  readonly address: Address;
  readonly environment: Environment;
  readonly settings: Settings;
  readonly application: Application;
  readonly answerDelayMs?: number;
}

export class ClientNode {
  readonly session: Session;
  readonly address: Address;

  constructor(network: Network, server: Address, options: NodeOptions<ClientSettings>) {
    const { address, application, settings, environment, answerDelayMs = 0 } = options;
    this.address = address;
    const association = Association.client(settings, environment, server);
    this.session = new Session(association, {
      simulation: network.simulation,
      send: (bytes, to) => network.send(address, to, bytes),
      application,
      answerDelayMs,
    });
    network.attach(address, (datagram, from) => {
      this.session.act((it) => it.handleDatagram(datagram, from));
    });
  }

  start(): void {
    this.session.act((association) => {
      association.start();
    });
  }

  send(data: Uint8Array): void {
    this.session.act((association) => {
      association.send(data);
    });
  }
}

/**
 * A server with the least that must stand before associations: the cookie exchange, a table by connection id and by
 * address, and RFC 6347 §4.2.8 for a client that begins anew. It answers what it gets with the same bytes.
 */
export class ServerNode {
  readonly sessions: Session[] = [];
  readonly address: Address;
  /** Whether data is sent back. */
  echo = true;
  readonly #network: Network;
  readonly #options: NodeOptions<ServerSettings>;
  readonly #gate: HelloGate;
  readonly #byAddress = new Map<string, Session>();
  /** Beside an established one at the same address, until they are established themselves. */
  readonly #pending = new Map<string, Session>();
  /** The random of the ClientHello that each began with: the same again is a retransmission, not a new client. */
  readonly #randoms = new Map<Session, Uint8Array>();

  constructor(network: Network, options: NodeOptions<ServerSettings>) {
    this.address = options.address;
    this.#network = network;
    this.#options = options;
    this.#gate = new HelloGate(options.environment.random(32));
    network.attach(options.address, (datagram, from) => {
      this.#receive(datagram, from);
    });
  }

  get last(): Session {
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error("the server has no association yet");
    return session;
  }

  #receive(datagram: Uint8Array, from: Address): void {
    const verdict = this.#gate.judge(datagram, from);
    if (verdict.kind === "verify") {
      // RFC 6347 §4.2.1: every ClientHello without a good cookie is answered, and nothing else happens.
      this.#network.send(this.address, from, verdict.helloVerifyRequest);
      return;
    }
    const key = keyOf(from);
    const current = this.#byConnectionId(datagram) ?? this.#byAddress.get(key);
    const pending = this.#pending.get(key);
    if (verdict.kind === "proven" && ![current, pending].some((it) => this.#beganWith(it, verdict.random))) {
      this.#admit(datagram, from, verdict.first, Uint8Array.from(verdict.random));
      return;
    }
    const startsInEpoch0 = datagram[3] === 0 && datagram[4] === 0;
    const order = startsInEpoch0 ? [pending, current] : [current, pending];
    for (const session of order) {
      if (session?.act((association) => association.handleDatagram(Uint8Array.from(datagram), from))) return;
    }
  }

  #byConnectionId(datagram: Uint8Array): Session | undefined {
    const { connectionIds } = this.#options.settings;
    if (datagram[0] !== 25 || connectionIds === undefined) return undefined;
    const id = datagram.subarray(11, 11 + connectionIds.length);
    return this.sessions.find(
      ({ association }) => Buffer.compare(association.ownConnectionId ?? new Uint8Array(), id) === 0,
    );
  }

  #beganWith(session: Session | undefined, random: Uint8Array): boolean {
    const known = session && this.#randoms.get(session);
    return known !== undefined && Buffer.compare(known, random) === 0;
  }

  #admit(datagram: Uint8Array, from: Address, first: FirstHello, random: Uint8Array): void {
    const { settings, environment, application, answerDelayMs = 0 } = this.#options;
    const association = Association.server(settings, environment, from, first);
    const session = new Session(association, {
      simulation: this.#network.simulation,
      send: (bytes, to) => this.#network.send(this.address, to, bytes),
      application,
      answerDelayMs,
    });
    this.sessions.push(session);
    this.#randoms.set(session, random);
    const key = keyOf(from);
    const table = this.#byAddress.get(key)?.established ? this.#pending : this.#byAddress;
    table.set(key, session);
    session.onestablished = () => {
      // RFC 6347 §4.2.8: the old association ends once the new Finished was right, not before.
      if (this.#pending.get(key) === session) {
        this.#pending.delete(key);
        this.#byAddress.set(key, session);
      }
    };
    session.onclosed = () => {
      if (this.#pending.get(key) === session) this.#pending.delete(key);
      if (this.#byAddress.get(key) === session) this.#byAddress.delete(key);
    };
    session.ondata = (data) => {
      if (this.echo) session.association.send(data);
    };
    session.act((it) => it.handleDatagram(datagram, from));
  }
}
