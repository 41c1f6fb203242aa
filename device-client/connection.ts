import { Backoff } from "./backoff.ts";
import { closedError, DeviceError, isRefusal, textOf } from "./errors.ts";
import { VerifiedGateway } from "./gateway-dial.ts";
import { assertSameDevice, type DeviceIdentity } from "./identity.ts";
import { type Message, MqttLink } from "./mqtt-link.ts";
import { parsePins, type Settings } from "./options.ts";
import type { SessionEvents } from "./session-events.ts";

/** `waiting`: between two attempts. */
export type SessionState = "connecting" | "connected" | "waiting" | "closed";

/** What the owner of a connection does with it. */
export interface ConnectionOwner {
  /** Accepted, and what was in flight before is acknowledged: requests may be made on the link. */
  ready(link: MqttLink, sessionPresent: boolean): void;
  /** No requests until the next `ready`. */
  down(): void;
}

/** An identity on its way in, until the gateway has accepted or refused it. */
interface Candidate {
  readonly identity: DeviceIdentity;
  readonly resolve: () => void;
  readonly reject: (error: DeviceError) => void;
}

/**
 * Keeps one device connected to its gateway: dials, waits, dials again.
 *
 *     connecting --CONNACK 0--> connected
 *         |   ^                     |
 *       fails  `--delay is over--.  | lost
 *         v                       \ v
 *         `-----------------------> waiting
 *
 * Every attempt, the first as the thousandth, is a full TLS handshake under the same rules: nothing is relaxed
 * however often it fails, and no failure but `close()` stops it.
 */
export class Connection {
  readonly #settings: Settings;
  readonly #events: SessionEvents;
  readonly #owner: ConnectionOwner;
  readonly #backoff: Backoff;
  readonly #link: MqttLink;
  #identity: DeviceIdentity;
  #candidate: Candidate | undefined;
  #state: SessionState = "connecting";
  #sessionPresent = false;
  /** Set while the link is attached. */
  #gateway: VerifiedGateway | undefined;
  /** Aborts the dial under way. */
  #dial: AbortController | undefined;
  /** The timer of the current state: deadline, stability or delay. */
  #cancelTimer = () => {};
  /** The connection is being ended to start again at once, under another identity. */
  #restarting = false;
  #closing: Promise<void> | undefined;
  #whenDown = () => {};

  constructor(identity: DeviceIdentity, settings: Settings, events: SessionEvents, owner: ConnectionOwner) {
    this.#identity = identity;
    this.#settings = settings;
    this.#events = events;
    this.#owner = owner;
    const { reconnect, random } = settings;
    this.#backoff = new Backoff({ minMs: reconnect.minMs, maxMs: reconnect.maxMs, random });
    this.#link = new MqttLink(settings, {
      accepted: (sessionPresent) => this.#onAccepted(sessionPresent),
      ready: () => this.#onReady(),
      message: (message) => this.#onMessage(message),
      closed: (error) => this.#onClosed(error),
    });
    void this.#attempt();
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The identity that the gateway accepted last, or the first one. */
  get identity(): DeviceIdentity {
    return this.#identity;
  }

  /** See `DeviceSession.replaceIdentity`. */
  async replaceIdentity(identity: DeviceIdentity): Promise<void> {
    assertSameDevice(this.#identity, identity);
    parsePins(this.#settings.pins, identity.anchors);
    if (this.#candidate)
      throw new DeviceError("DEVICE_IDENTITY_BUSY", "a change of identity is already under way");
    await new Promise<void>((resolve, reject) => {
      this.#candidate = { identity, resolve, reject };
      this.#restart();
    });
  }

  /** Ends the connection with DISCONNECT, and with it the reconnecting. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #attempt(): Promise<void> {
    const { gateway, pins, crls, revocation, now, connectTimeoutMs } = this.#settings;
    const identity = this.#candidate?.identity ?? this.#identity;
    const dial = new AbortController();
    this.#state = "connecting";
    this.#dial = dial;
    this.#setTimer(connectTimeoutMs, () => {
      const error = new DeviceError(
        "DEVICE_TIMEOUT",
        `no session with ${gateway.host}:${gateway.port} within ${connectTimeoutMs} ms`,
      );
      dial.abort(error);
      if (this.#gateway) this.#link.drop(error);
    });
    try {
      const secureContext = identity.secureContext();
      const rules = { anchors: identity.anchors, pins, crls, revocation, now };
      const verified = await VerifiedGateway.dial({
        ...gateway,
        ...rules,
        secureContext,
        signal: dial.signal,
      });
      if (dial.signal.aborted) {
        verified.socket.destroy();
        throw dial.signal.reason;
      }
      this.#gateway = verified;
      this.#link.attach(verified);
    } catch (error) {
      this.#onLost(error instanceof DeviceError ? error : unexpected(error), false);
    }
  }

  #onAccepted(sessionPresent: boolean): void {
    const gateway = this.#gateway;
    if (!gateway || this.#closing) return;
    this.#state = "connected";
    this.#sessionPresent = sessionPresent;
    this.#setTimer(this.#settings.reconnect.stableAfterMs, () => this.#backoff.reset());
    const candidate = this.#candidate;
    if (candidate) {
      this.#candidate = undefined;
      this.#identity = candidate.identity;
      candidate.resolve();
    }
    this.#events.emit("connected", {
      sessionPresent,
      fingerprint: gateway.path.leaf.fingerprint,
      protocol: gateway.protocol,
      cipher: gateway.cipher,
    });
    if (candidate) {
      this.#events.emit("identity-replaced", { fingerprint: this.#identity.certificate.fingerprint });
    }
  }

  #onReady(): void {
    if (!this.#closing && !this.#restarting) this.#owner.ready(this.#link, this.#sessionPresent);
  }

  #onMessage(message: Message): boolean {
    if (!this.#events.listens("message")) return false;
    this.#events.emit("message", message);
    return true;
  }

  #onClosed(error: DeviceError | undefined): void {
    const wasAccepted = this.#state === "connected";
    this.#gateway = undefined;
    this.#owner.down();
    this.#onLost(error, wasAccepted);
  }

  /** An attempt or an accepted connection has ended: what comes next? */
  #onLost(error: DeviceError | undefined, wasAccepted: boolean): void {
    this.#cancelTimer();
    this.#dial = undefined;
    if (this.#closing) {
      if (wasAccepted) this.#events.emit("disconnected", { reason: undefined });
      return this.#whenDown();
    }
    this.#state = "waiting";
    if (wasAccepted) this.#events.emit("disconnected", { reason: this.#restarting ? undefined : error });
    // A listener may have closed the session: here, and at the next event.
    if (this.#closing) return;
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
    if (refused) this.#events.emit("refused", { error: reason });
    if (this.#closing) return;
    // After a new identity was refused the previous one has no reason to wait long.
    const slowly = candidate === undefined && reason.retry === "slowly";
    const delayMs = this.#backoff.next(slowly ? "slowly" : "soon");
    this.#setTimer(delayMs, () => void this.#attempt());
    this.#events.emit("reconnecting", { attempt: this.#backoff.attempt, delayMs, reason });
  }

  /** Ends whatever is under way, to begin again at once. */
  #restart(): void {
    const again = new DeviceError("DEVICE_CONNECTION_LOST", "begun again under a new identity");
    this.#owner.down();
    if (this.#state === "waiting") {
      this.#cancelTimer();
      void this.#attempt();
      return;
    }
    this.#restarting = true;
    if (this.#state === "connected") this.#link.disconnect();
    else if (this.#gateway) this.#link.drop(again);
    else this.#dial?.abort(again);
  }

  async #close(): Promise<void> {
    const down = new Promise<void>((resolve) => {
      this.#whenDown = resolve;
    });
    const idle = this.#state === "waiting";
    this.#cancelTimer();
    this.#candidate?.reject(closedError());
    this.#candidate = undefined;
    if (this.#gateway) this.#link.disconnect();
    else this.#dial?.abort(closedError());
    if (!idle) await down;
    this.#state = "closed";
    this.#link.end();
    this.#events.emit("closed", undefined);
  }

  #setTimer(delayMs: number, callback: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#settings.startTimer(callback, delayMs);
  }
}

function unexpected(thrown: unknown): DeviceError {
  return new DeviceError("DEVICE_TLS_FAILED", `TLS could not start: ${textOf(thrown)}`, { cause: thrown });
}
