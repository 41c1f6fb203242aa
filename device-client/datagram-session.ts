import { isUint8Array } from "node:util/types";
import { Connection, type Line, type LineListener, type SessionState } from "./connection.ts";
import type { DatagramSettings } from "./dtls-options.ts";
import { closedError, DeviceError } from "./errors.ts";
import { type CommonSessionEvents, SessionEvents } from "./session-events.ts";

/** The events of a session over DTLS. */
export interface DatagramSessionEvents extends CommonSessionEvents {
  /** The handshake is done, and both sides have proved who they are. */
  connected: {
    /** An earlier session was resumed; the gateway's certificate was checked again nevertheless. */
    readonly resumed: boolean;
    /** SHA-256 of the gateway's certificate, in hex; undefined where a pre-shared key proves it. */
    readonly fingerprint: string | undefined;
    /** `DTLSv1.2`. */
    readonly protocol: string;
    readonly cipher: string;
  };
  /**
   * One message from the gateway. Messages may be lost and change their order. Listeners that are added right after
   * `await connectDtls(…)` miss nothing; what arrives later with no listener is gone.
   */
  message: Uint8Array;
  /** The session goes on under another certificate, given by its SHA-256 in hex. */
  "identity-replaced": { readonly fingerprint: string };
}

export type DatagramSessionListener<K extends keyof DatagramSessionEvents> = (
  event: DatagramSessionEvents[K],
) => void;

/** A line that carries messages as they are. */
export interface DatagramLine<Who, Gateway> extends Line<Who, Gateway> {
  /** 0 while it is closed. */
  readonly maxMessageBytes: number;
  /** Only while attached. Throws DeviceError. */
  send(data: Uint8Array): void;
}

/** What a datagram line tells. */
export interface DatagramLineListener extends LineListener<DatagramSessionEvents["connected"]> {
  message(data: Uint8Array): void;
}

export interface DatagramParts<Who, Gateway> {
  readonly who: Who;
  readonly settings: DatagramSettings;
  readonly line: (listener: DatagramLineListener) => DatagramLine<Who, Gateway>;
  /** SHA-256 of the certificate that `Who` shows, in hex. */
  readonly fingerprintOf?: (who: Who) => string;
}

/** One device's session over any number of DTLS associations. Nothing is queued: a datagram is for now. */
export class DatagramSession<Who = unknown, Gateway = unknown> implements AsyncDisposable {
  readonly #events = new SessionEvents<DatagramSessionEvents>();
  readonly #settings: DatagramSettings;
  readonly #connection: Connection<Who, Gateway, DatagramSessionEvents["connected"]>;
  /** Set while messages may be sent. */
  #line: DatagramLine<Who, Gateway> | undefined;
  /** Runs while a message of ours waits for a sign of life. */
  #cancelSilence: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /** Use `connectDtls`, `openDtlsSession`, `connectPsk` or `openPskSession`. */
  constructor({ who, settings, line: makeLine, fingerprintOf }: DatagramParts<Who, Gateway>) {
    this.#settings = settings;
    let line: DatagramLine<Who, Gateway> | undefined;
    this.#connection = new Connection({
      who,
      settings,
      line: (listener) => {
        line = makeLine({ ...listener, message: (data) => this.#onMessage(data) });
        return line;
      },
      owner: {
        connected: (connected) => {
          // Before anybody is told: whoever is told may send.
          this.#line = line;
          this.#events.emit("connected", connected);
        },
        ready: () => {},
        down: () => this.#onDown(),
        replaced: (newWho) => {
          const fingerprint = fingerprintOf?.(newWho);
          if (fingerprint !== undefined) this.#events.emit("identity-replaced", { fingerprint });
        },
        emit: (event, value) => this.#events.emitCommon(event, value),
      },
    });
  }

  get state(): SessionState {
    return this.#connection.state;
  }

  /** The largest message that `send` takes now; 0 while not connected. */
  get maxMessageBytes(): number {
    return this.#line?.maxMessageBytes ?? 0;
  }

  on<K extends keyof DatagramSessionEvents>(event: K, listener: DatagramSessionListener<K>): this {
    this.#events.on(event, listener);
    return this;
  }

  once<K extends keyof DatagramSessionEvents>(event: K, listener: DatagramSessionListener<K>): this {
    this.#events.once(event, listener);
    return this;
  }

  off<K extends keyof DatagramSessionEvents>(event: K, listener: DatagramSessionListener<K>): this {
    this.#events.off(event, listener);
    return this;
  }

  /**
   * Hands one message to the network, which may lose it. Throws DEVICE_CONNECTION_LOST while the session is not
   * connected (it is being connected again), DEVICE_MESSAGE_SIZE, DEVICE_CLOSED; TypeError for what is neither bytes
   * nor text.
   */
  send(data: Uint8Array | string): void {
    if (typeof data !== "string" && !isUint8Array(data))
      throw new TypeError("data is a Uint8Array or a string");
    if (this.#closing) throw closedError();
    const line = this.#line;
    if (line === undefined) {
      throw new DeviceError("DEVICE_CONNECTION_LOST", "there is no connection to the gateway now");
    }
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    if (bytes.length > line.maxMessageBytes) {
      throw new DeviceError(
        "DEVICE_MESSAGE_SIZE",
        `a message has at most ${line.maxMessageBytes} bytes, and this one ${bytes.length}`,
      );
    }
    line.send(bytes);
    this.#expectSignOfLife(line);
  }

  /** Ends the session; the gateway is told. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What the gateway accepted last, or the first one. */
  protected get who(): Who {
    return this.#connection.who;
  }

  protected async replace(who: Who): Promise<void> {
    if (this.#closing) throw closedError();
    await this.#connection.replace(who);
  }

  #close(): Promise<void> {
    this.#onDown();
    return this.#connection.close();
  }

  #onDown(): void {
    this.#line = undefined;
    this.#cancelSilence?.();
    this.#cancelSilence = undefined;
  }

  #onMessage(data: Uint8Array): void {
    this.#cancelSilence?.();
    this.#cancelSilence = undefined;
    if (this.#events.listens("message")) return this.#events.emit("message", data);
    // Gives the code that awaits the connection its turn to add a listener, but does not wait for one.
    setImmediate(() => this.#events.emit("message", data));
  }

  /** From the first message that is not answered: what follows must not put the end off. */
  #expectSignOfLife(line: DatagramLine<Who, Gateway>): void {
    const { silenceMs, startTimer } = this.#settings;
    if (silenceMs === 0 || this.#cancelSilence !== undefined) return;
    this.#cancelSilence = startTimer(() => {
      this.#cancelSilence = undefined;
      line.drop(
        new DeviceError("DEVICE_CONNECTION_LOST", `the gateway has answered nothing for ${silenceMs} ms`),
      );
    }, silenceMs);
  }
}
