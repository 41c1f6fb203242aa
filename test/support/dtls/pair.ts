import type { Address, ClientSettings, ServerSettings } from "../../../dtls/association/settings.ts";
import { Prng } from "../../../mitm/prng.ts";
import { type Application, SessionStore } from "./application.ts";
import { deviceCredential, serverCredential } from "./credentials.ts";
import { FakeEnvironment } from "./environment.ts";
import { looksAt } from "./inspect.ts";
import { type Delivery, type Faults, Network } from "./network.ts";
import { ClientNode, ServerNode } from "./nodes.ts";
import type { Session } from "./session.ts";
import { clientSettings, ecdheEcdsa, serverSettings } from "./settings.ts";
import { Simulation } from "./simulation.ts";
import { clientAddress, serverAddress } from "./under-test.ts";

export interface PairOptions {
  readonly seed?: number;
  readonly client?: Partial<ClientSettings>;
  readonly server?: Partial<ServerSettings>;
  readonly clientApplication?: Application;
  readonly serverApplication?: Application;
  readonly clientFaults?: Faults;
  readonly serverFaults?: Faults;
  /** Before answers come; default: none. */
  readonly answerDelayMs?: number;
  /** Use those of another pair to resume its sessions. */
  readonly sessions?: SessionStore;
}

/** A datagram that was handed to the network, and what can be seen of it. */
export interface Sent extends Delivery {
  readonly by: "client" | "server";
  readonly looks: readonly string[];
}

/** A client and a server with certificates of each other's liking, on a network that is as good as said. */
export class Pair {
  readonly simulation = new Simulation();
  readonly prng: Prng;
  readonly network: Network;
  readonly client: ClientNode;
  readonly server: ServerNode;
  readonly sessions: SessionStore;
  readonly sent: Sent[] = [];

  constructor(options: PairOptions = {}) {
    this.prng = new Prng(options.seed ?? 1);
    this.sessions = options.sessions ?? new SessionStore();
    this.network = new Network(this.simulation, this.prng);
    const environment = new FakeEnvironment({
      now: () => this.simulation.now,
      prng: this.prng,
      keyShares: "pooled",
    });
    const { answerDelayMs = 0 } = options;
    const gateway = serverCredential();
    const device = deviceCredential();
    this.server = new ServerNode(this.network, {
      address: serverAddress,
      environment,
      settings: serverSettings({ cipherSuites: [ecdheEcdsa], ...options.server }),
      application: {
        credentials: [gateway],
        known: new Map([["d1", device]]),
        sessions: this.sessions,
        ...options.serverApplication,
      },
      answerDelayMs,
    });
    this.client = new ClientNode(this.network, serverAddress, {
      address: clientAddress,
      environment,
      settings: clientSettings({ cipherSuites: [ecdheEcdsa], ...options.client }),
      application: {
        credentials: [device],
        known: new Map([["the gateway", gateway]]),
        ...options.clientApplication,
      },
      answerDelayMs,
    });
    this.network.setFaults(clientAddress, options.clientFaults ?? {});
    this.network.setFaults(serverAddress, options.serverFaults ?? {});
    this.network.onsend = (delivery) => {
      const by = sameAs(delivery.from, serverAddress) ? "server" : "client";
      this.sent.push({ ...delivery, by, looks: looksAt(delivery.bytes) });
    };
  }

  get clientSession(): Session {
    return this.client.session;
  }

  get serverSession(): Session {
    return this.server.last;
  }

  get established(): boolean {
    return this.clientSession.established && this.server.sessions.some(({ established }) => established);
  }

  /** Starts the client and runs until both are established, or for `limitMs`. */
  handshake(limitMs = 120_000): this {
    this.client.start();
    this.simulation.runUntil(() => this.established, limitMs);
    return this;
  }

  /** Sends from the client and answers what came back within five seconds. */
  echo(text: string): string | undefined {
    const before = this.clientSession.received.length;
    this.client.send(Buffer.from(text));
    this.simulation.runUntil(() => this.clientSession.received.length > before, 5000);
    const answer = this.clientSession.received[before];
    return answer && Buffer.from(answer).toString();
  }

  sentBy(side: "client" | "server"): Sent[] {
    return this.sent.filter(({ by }) => by === side);
  }

  /** When the given thing was handed to the network. */
  timesOf(what: string): number[] {
    return this.sent.filter(({ looks }) => looks.includes(what)).map(({ timeMs }) => timeMs);
  }
}

function sameAs(one: Address, other: Address): boolean {
  return one.address === other.address && one.port === other.port;
}
