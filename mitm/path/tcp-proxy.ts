import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Address } from "../endpoint.ts";
import { MitmError } from "../errors.ts";
import type { Patience } from "../lab/lab.ts";
import type { Recorder } from "../record/recorder.ts";
import type { PairSession } from "../targets.ts";
import { Changes, type End } from "./ends.ts";
import { TcpConnection } from "./tcp-connection.ts";
import type { PathRecord } from "./tls-record.ts";
import { tcpSessionOnTheWire } from "./wire-session.ts";

/** What becomes of a record. What is left out is as it would have been. */
export interface RecordFate {
  /** These bytes go on in place of it; an empty list drops it. */
  readonly instead?: readonly Uint8Array[];
  /** How long it is held back, ms; what comes after it in the same direction waits too, as TCP wants it. */
  readonly delayMs?: number;
  /** What is odd about it, for the transcript: "supported_versions taken out". */
  readonly note?: string;
}

/** What the proxy does with what passes. Without rules it changes nothing. */
export interface TcpRules {
  /** Asked for each record in either direction. Undefined lets it pass. */
  readonly record?: (record: PathRecord, connection: TcpConnection) => RecordFate | undefined;
  /** Asked when an end has closed its side. False keeps the other side open. */
  readonly end?: (from: End, connection: TcpConnection) => boolean;
  /** Asked when the device has connected, before anything of it is read: a lab may speak first. */
  readonly connection?: (connection: TcpConnection) => void;
}

export interface TcpPathOptions {
  /** The gateway. */
  readonly upstream: Address;
  /** Where the device connects to; default any free port of 127.0.0.1. */
  readonly listen?: Address | undefined;
  readonly recorder: Recorder;
  readonly patience: Patience;
  readonly rules?: TcpRules | undefined;
  readonly signal: AbortSignal;
}

/** A device that dials again and again must not fill the lab. */
const maxConnections = 64;

/** Stands between a device and its gateway on TCP, holds no key, and sees TLS records. */
export class TcpPath implements AsyncDisposable {
  /** From now on, for records that have not passed yet. */
  rules: TcpRules;
  /** In the order in which the device made them. */
  readonly connections: TcpConnection[] = [];
  readonly #options: TcpPathOptions;
  readonly #server: Server;
  readonly #changes = new Changes();
  #refused = 0;
  #upstream: Address;

  private constructor(options: TcpPathOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.rules = options.rules ?? {};
    this.#upstream = options.upstream;
    server.on("connection", (socket: Socket) => this.#arrived(socket));
  }

  /** Use `openTcpPath`. */
  static async open(options: TcpPathOptions): Promise<TcpPath> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const { host, port } = options.listen ?? anywhere;
    try {
      server.listen(port, host);
      await once(server, "listening");
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new MitmError("MITM_ADDRESS", `the lab cannot listen on ${host}:${port}: ${why}`, { cause });
    }
    return new TcpPath(options, server);
  }

  /** Where the device has to connect to. */
  get address(): Address {
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") {
      throw new MitmError("MITM_ADDRESS", "the path is closed");
    }
    return { host: (this.#options.listen ?? anywhere).host, port: bound.port };
  }

  /** Connections from now on go to another address in place of the gateway's. */
  divert(to: Address): void {
    this.#upstream = to;
  }

  /** Connections that were closed at once because there were too many. */
  get refused(): number {
    return this.#refused;
  }

  /** The newest connection. */
  get latest(): TcpConnection | undefined {
    return this.connections.at(-1);
  }

  /** Resolves with whether `holds` came to hold in time; looked at whenever something happens on this path. */
  until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    return this.#changes.until(holds, timeoutMs, this.#options.signal);
  }

  /** The connection with this number, counted from 0; undefined when the device did not make it in time. */
  async connection(nth: number, timeoutMs: number): Promise<TcpConnection | undefined> {
    await this.until(() => this.connections.length > nth, timeoutMs);
    return this.connections[nth];
  }

  /** The device's next session, judged from what passes: for a device that the lab cannot command. */
  async sessionOnTheWire(): Promise<PairSession> {
    const { patience, signal } = this.#options;
    return tcpSessionOnTheWire({ path: this, nth: this.connections.length, patience, signal });
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #arrived(device: Socket): void {
    if (this.connections.length >= maxConnections) {
      this.#refused += 1;
      device.destroy();
      return;
    }
    const { recorder } = this.#options;
    const connection = new TcpConnection({
      device,
      gateway: this.#upstream,
      recorder,
      rules: () => this.rules,
      changes: this.#changes,
    });
    this.connections.push(connection);
    this.#changes.tell();
  }
}

const anywhere: Address = { host: "127.0.0.1", port: 0 };

/** @throws MitmError MITM_ADDRESS where the port cannot be listened on */
export function openTcpPath(options: TcpPathOptions): Promise<TcpPath> {
  return TcpPath.open(options);
}
