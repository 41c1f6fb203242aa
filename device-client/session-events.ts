import { EventEmitter } from "node:events";
import type { DeviceError } from "./errors.ts";
import type { Message } from "./mqtt-link.ts";

/** The events that the sessions of every transport have, each with what its listeners get. */
export interface CommonSessionEvents {
  /** An accepted session lost its connection; without a reason it was ended on purpose. */
  disconnected: { readonly reason: DeviceError | undefined };
  /** The next attempt comes in `delayMs`; `reason` is why the last one failed. */
  reconnecting: { readonly attempt: number; readonly delayMs: number; readonly reason: DeviceError };
  /** An attempt failed on trust: this device refused the gateway, or the gateway this device. Retries go on. */
  refused: { readonly error: DeviceError };
  /** `close()` is done. No event follows. */
  closed: undefined;
}

/** The events of an MQTT session. */
export interface DeviceSessionEvents extends CommonSessionEvents {
  /** CONNACK accepted. `fingerprint` is the SHA-256 of the gateway's certificate, in hex. */
  connected: {
    readonly sessionPresent: boolean;
    readonly fingerprint: string;
    /** `TLSv1.3` or `TLSv1.2`. */
    readonly protocol: string;
    readonly cipher: string;
  };
  /**
   * QoS 1 and 2 are acknowledged once the listeners have returned. Listeners that are added right after
   * `await connect(…)` miss nothing; what arrives later with no listener is acknowledged and gone.
   */
  message: Message;
  /** A filter that was subscribed could not be subscribed again: the gateway had forgotten the session. */
  "subscription-lost": { readonly filter: string; readonly error: DeviceError };
  /** The session goes on under another certificate, given by its SHA-256 in hex. */
  "identity-replaced": { readonly fingerprint: string };
}

export type DeviceSessionListener<K extends keyof DeviceSessionEvents> = (
  event: DeviceSessionEvents[K],
) => void;

/** Typed events. A listener that throws fails the process as an uncaught error does, not the protocol underneath. */
export class SessionEvents<E extends CommonSessionEvents> {
  readonly #emitter = new EventEmitter();

  on<K extends keyof E & string>(event: K, listener: (value: E[K]) => void): void {
    this.#emitter.on(event, listener);
  }

  once<K extends keyof E & string>(event: K, listener: (value: E[K]) => void): void {
    this.#emitter.once(event, listener);
  }

  off<K extends keyof E & string>(event: K, listener: (value: E[K]) => void): void {
    this.#emitter.off(event, listener);
  }

  listens(event: keyof E & string): boolean {
    return this.#emitter.listenerCount(event) > 0;
  }

  emit<K extends keyof E & string>(event: K, value: E[K]): void {
    this.#emit(event, value);
  }

  /** As `emit`, for whoever knows only what all sessions have in common. */
  emitCommon<K extends keyof CommonSessionEvents>(event: K, value: CommonSessionEvents[K]): void {
    this.#emit(event, value);
  }

  #emit(event: string, value: unknown): void {
    try {
      this.#emitter.emit(event, value);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
