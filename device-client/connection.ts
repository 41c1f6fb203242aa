import { Backoff } from "./backoff.ts";
import { closedError, DeviceError, errorOf, isRefusal, textOf } from "./errors.ts";
import type { CommonSessionEvents } from "./session-events.ts";
import type { SessionSettings } from "./session-options.ts";

/** `waiting`: between two attempts. */
export type SessionState = "connecting" | "connected" | "waiting" | "closed";

/**
 * The way to the gateway, taken anew for each attempt. `Who` is what this device proves itself by, `Gateway` what has
 * proved itself to this device.
 */
export interface Line<Who, Gateway> {
  /** Resolves once the gateway has proven itself. Throws DeviceError, or the signal's reason. */
  dial(who: Who, signal: AbortSignal): Promise<Gateway>;
  /** Gives up what a dial returned too late. */
  abandon(gateway: Gateway): void;
  /** Begins the exchange with a gateway that has proven itself. The line must be closed. */
  attach(gateway: Gateway): void;
  /** Ends the exchange in order. `closed` follows. */
  disconnect(): void;
  /** Cuts it off for a reason. `closed` follows with that reason. */
  drop(error: DeviceError): void;
  /** Lets go of everything. The line must be closed, and is of no use afterwards. */
  end(): void;
}

/** What a line tells, once attached. After `closed` it waits for the next `attach`. */
export interface LineListener<Connected> {
  /** The gateway has accepted this device. */
  accepted(connected: Connected): void;
  /** Requests may be made: what was in flight before is settled. */
  ready(): void;
  /** It is over; without an error it was ours to end. */
  closed(error: DeviceError | undefined): void;
}

/** What a connection tells its owner. */
export interface ConnectionOwner<Who, Connected> {
  connected(connected: Connected): void;
  /** Requests may be made on the line. */
  ready(): void;
  /** No requests until the next `ready`. */
  down(): void;
  /** The gateway has accepted what `replace` was given. */
  replaced(who: Who): void;
  emit<K extends keyof CommonSessionEvents>(event: K, value: CommonSessionEvents[K]): void;
}

export interface ConnectionParts<Who, Gateway, Connected> {
  readonly who: Who;
  readonly settings: SessionSettings;
  readonly owner: ConnectionOwner<Who, Connected>;
  readonly line: (listener: LineListener<Connected>) => Line<Who, Gateway>;
}

/** A new `Who` on its way in, until the gateway has accepted or refused it. */
interface Candidate<Who> {
  readonly who: Who;
  readonly resolve: () => void;
  readonly reject: (error: DeviceError) => void;
}

/**
 * Keeps one device connected to its gateway: dials, waits, dials again.
 *
 *     connecting --accepted--> connected
 *         |   ^                     |
 *       fails  `--delay is over--.  | lost
 *         v                       \ v
 *         `-----------------------> waiting
 *
 * Every attempt, the first as the thousandth, proves the gateway under the same rules: nothing is relaxed however
 * often it fails, and no failure but `close()` stops it.
 */
export class Connection<Who, Gateway, Connected> {
  readonly #settings: SessionSettings;
  readonly #owner: ConnectionOwner<Who, Connected>;
  readonly #backoff: Backoff;
  readonly #line: Line<Who, Gateway>;
  #who: Who;
  #candidate: Candidate<Who> | undefined;
  #state: SessionState = "connecting";
  /** The line is attached. */
  #attached = false;
  /** Aborts the dial under way. */
  #dial: AbortController | undefined;
  /** The timer of the current state: deadline, stability or delay. */
  #cancelTimer = () => {};
  /** The connection is being ended to start again at once, as somebody else. */
  #restarting = false;
  #closing: Promise<void> | undefined;
  /** `close()` was called. A line may end within the call, before `#closing` is set. */
  #isClosing = false;
  #whenDown = () => {};

  constructor({ who, settings, owner, line }: ConnectionParts<Who, Gateway, Connected>) {
    this.#who = who;
    this.#settings = settings;
    this.#owner = owner;
    const { reconnect, random } = settings;
    this.#backoff = new Backoff({ minMs: reconnect.minMs, maxMs: reconnect.maxMs, random });
    this.#line = line({
      accepted: (connected) => this.#onAccepted(connected),
      ready: () => this.#onReady(),
      closed: (error) => this.#onClosed(error),
    });
    void this.#attempt();
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What the gateway accepted last, or the first one. */
  get who(): Who {
    return this.#who;
  }

  /** Goes on as somebody else; resolves once the gateway has accepted that. See `DeviceSession.replaceIdentity`. */
  async replace(who: Who): Promise<void> {
    if (this.#candidate)
      throw new DeviceError("DEVICE_IDENTITY_BUSY", "a change of identity is already under way");
    await new Promise<void>((resolve, reject) => {
      this.#candidate = { who, resolve, reject };
      this.#restart(new DeviceError("DEVICE_CONNECTION_LOST", "begun again under a new identity"));
    });
  }

  /** Ends the connection in order, and with it the reconnecting. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #attempt(): Promise<void> {
    const { gateway, connectTimeoutMs } = this.#settings;
    const who = this.#candidate?.who ?? this.#who;
    const dial = new AbortController();
    this.#state = "connecting";
    this.#dial = dial;
    this.#setTimer(connectTimeoutMs, () => {
      const error = new DeviceError(
        "DEVICE_TIMEOUT",
        `no session with ${gateway.host}:${gateway.port} within ${connectTimeoutMs} ms`,
      );
      dial.abort(error);
      if (this.#attached) this.#line.drop(error);
    });
    try {
      const proven = await this.#line.dial(who, dial.signal);
      if (dial.signal.aborted) {
        this.#line.abandon(proven);
        throw errorOf(dial.signal.reason);
      }
      this.#attached = true;
      this.#line.attach(proven);
    } catch (error) {
      this.#onLost(error instanceof DeviceError ? error : unexpected(error), false);
    }
  }

  #onAccepted(connected: Connected): void {
    if (!this.#attached || this.#isClosing) return;
    this.#state = "connected";
    this.#setTimer(this.#settings.reconnect.stableAfterMs, () => this.#backoff.reset());
    const candidate = this.#candidate;
    if (candidate) {
      this.#candidate = undefined;
      this.#who = candidate.who;
      candidate.resolve();
    }
    this.#owner.connected(connected);
    if (candidate) this.#owner.replaced(candidate.who);
  }

  #onReady(): void {
    if (!this.#isClosing && !this.#restarting) this.#owner.ready();
  }

  #onClosed(error: DeviceError | undefined): void {
    const wasAccepted = this.#state === "connected";
    this.#attached = false;
    this.#owner.down();
    this.#onLost(error, wasAccepted);
  }

  /** An attempt or an accepted connection has ended: what comes next? */
  #onLost(error: DeviceError | undefined, wasAccepted: boolean): void {
    this.#cancelTimer();
    this.#dial = undefined;
    if (this.#isClosing) {
      if (wasAccepted) this.#owner.emit("disconnected", { reason: undefined });
      return this.#whenDown();
    }
    this.#state = "waiting";
    if (wasAccepted) this.#owner.emit("disconnected", { reason: this.#restarting ? undefined : error });
    // A listener may have closed the session: here, and at the next event.
    if (this.#isClosing) return;
    if (this.#restarting) {
      this.#restarting = false;
      return void this.#attempt();
    }
    const reason =
      error ?? new DeviceError("DEVICE_CONNECTION_LOST", "the connection to the gateway was lost");
    const refused = isRefusal(reason) && !wasAccepted;
    const candidate = refused ? this.#candidate : undefined;
    if (candidate) {
      this.#candidate = undefined;
      candidate.reject(reason);
    }
    if (refused) this.#owner.emit("refused", { error: reason });
    if (this.#isClosing) return;
    // After a new identity was refused the previous one has no reason to wait long.
    const slowly = candidate === undefined && reason.retry === "slowly";
    const delayMs = this.#backoff.next(slowly ? "slowly" : "soon");
    this.#setTimer(delayMs, () => void this.#attempt());
    this.#owner.emit("reconnecting", { attempt: this.#backoff.attempt, delayMs, reason });
  }

  /** Ends whatever is under way, to begin again at once. */
  #restart(again: DeviceError): void {
    this.#owner.down();
    if (this.#state === "waiting") {
      this.#cancelTimer();
      void this.#attempt();
      return;
    }
    this.#restarting = true;
    if (this.#state === "connected") this.#line.disconnect();
    else if (this.#attached) this.#line.drop(again);
    else this.#dial?.abort(again);
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    const down = new Promise<void>((resolve) => {
      this.#whenDown = resolve;
    });
    const idle = this.#state === "waiting";
    this.#cancelTimer();
    this.#candidate?.reject(closedError());
    this.#candidate = undefined;
    if (this.#attached) this.#line.disconnect();
    else this.#dial?.abort(closedError());
    if (!idle) await down;
    this.#state = "closed";
    this.#line.end();
    this.#owner.emit("closed", undefined);
  }

  #setTimer(delayMs: number, callback: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#settings.startTimer(callback, delayMs);
  }
}

function unexpected(thrown: unknown): DeviceError {
  return new DeviceError("DEVICE_TLS_FAILED", `the handshake could not start: ${textOf(thrown)}`, {
    cause: thrown,
  });
}
