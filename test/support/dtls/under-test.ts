import { Association, type FirstHello } from "../../../dtls/association/association.ts";
import type { Address, ClientSettings, ServerSettings } from "../../../dtls/association/settings.ts";
import { Prng } from "../../../mitm/prng.ts";
import type { Application } from "./application.ts";
import { FakeEnvironment } from "./environment.ts";
import { HelloGate } from "./hello-gate.ts";
import { Session } from "./session.ts";
import { Simulation } from "./simulation.ts";

export const clientAddress: Address = { address: "192.0.2.1", port: 40_000 };
export const serverAddress: Address = { address: "198.51.100.1", port: 5684 };

export interface UnderTestOptions {
  readonly seed?: number;
  readonly keyShares?: "fresh" | "pooled";
  readonly application: Application;
}

/** One association with no network around it: datagrams in, datagrams out, and a clock that the test moves. */
abstract class UnderTest {
  readonly simulation = new Simulation();
  readonly prng: Prng;
  readonly environment: FakeEnvironment;
  protected readonly application: Application;
  protected readonly sent: Uint8Array[] = [];

  constructor({ seed = 1, keyShares = "pooled", application }: UnderTestOptions) {
    this.prng = new Prng(seed);
    this.environment = new FakeEnvironment({ now: () => this.simulation.now, prng: this.prng, keyShares });
    this.application = application;
  }

  /** What was sent since the last call. */
  take(): Uint8Array[] {
    return this.sent.splice(0);
  }

  protected wrap(association: Association): Session {
    return new Session(association, {
      simulation: this.simulation,
      send: (bytes) => void this.sent.push(bytes),
      application: this.application,
      answerDelayMs: 0,
    });
  }
}

/** A server association behind a cookie exchange. */
export class ServerUnderTest extends UnderTest {
  session: Session | undefined;
  readonly #settings: ServerSettings;
  readonly #gate: HelloGate;

  constructor(settings: ServerSettings, options: UnderTestOptions) {
    super(options);
    this.#settings = settings;
    this.#gate = new HelloGate(this.prng.bytes(32));
  }

  get established(): boolean {
    return this.session?.established ?? false;
  }

  get closed(): boolean {
    return this.session?.closed ?? false;
  }

  /** Answers what came back. */
  feed(datagram: Uint8Array, from: Address = clientAddress): Uint8Array[] {
    if (this.session === undefined) {
      const verdict = this.#gate.judge(datagram, from);
      if (verdict.kind === "verify") return [verdict.helloVerifyRequest];
      if (verdict.kind === "no hello") return [];
      this.admit(verdict.first, from);
    }
    this.session?.act((it) => it.handleDatagram(Uint8Array.from(datagram), from));
    return this.take();
  }

  /** Without a cookie exchange: as if the gate had let this hello through. */
  admit(first: FirstHello = { recordSequence: 0, messageSeq: 0 }, from: Address = clientAddress): Session {
    this.session = this.wrap(Association.server(this.#settings, this.environment, from, first));
    return this.session;
  }
}

export class ClientUnderTest extends UnderTest {
  readonly session: Session;

  constructor(settings: ClientSettings, options: UnderTestOptions) {
    super(options);
    this.session = this.wrap(Association.client(settings, this.environment, serverAddress));
  }

  get established(): boolean {
    return this.session.established;
  }

  get closed(): boolean {
    return this.session.closed;
  }

  start(): Uint8Array[] {
    this.session.act((it) => it.start());
    return this.take();
  }

  feed(datagram: Uint8Array, from: Address = serverAddress): Uint8Array[] {
    this.session.act((it) => it.handleDatagram(Uint8Array.from(datagram), from));
    return this.take();
  }
}
