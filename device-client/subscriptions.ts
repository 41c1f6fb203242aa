import { DeviceError } from "./errors.ts";
import type { QoS } from "./offline-queue.ts";

/** What the gateway granted: never more than was asked for, possibly less. */
export interface Granted {
  readonly filter: string;
  readonly qos: QoS;
}

/** The two requests that a connection must be able to make. */
export interface SubscribingLink {
  subscribe(filter: string, qos: QoS): Promise<number>;
  unsubscribe(filter: string): Promise<void>;
}

interface Wish {
  readonly filter: string;
  /** undefined: unsubscribe. */
  readonly qos: QoS | undefined;
  readonly resolve: (granted: Granted) => void;
  readonly reject: (error: DeviceError) => void;
}

/**
 * The filters this session is to have, and the requests that the gateway has not answered yet.
 *
 * A request made while offline, or cut off from its answer, is made again on the next connection. When the gateway
 * no longer knows the session, everything is subscribed again.
 */
export class Subscriptions {
  readonly #limit: number;
  readonly #held = new Map<string, QoS>();
  #wishes: Wish[] = [];
  #link: SubscribingLink | undefined;
  /** Requests that the caller still waits for. */
  #unsettled = 0;
  #over = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves at SUBACK. Throws DEVICE_SUBSCRIBE_REFUSED on return code 128, DEVICE_QUEUE_FULL at the limit. */
  subscribe(filter: string, qos: QoS): Promise<Granted> {
    return this.#wish(filter, qos);
  }

  async unsubscribe(filter: string): Promise<void> {
    this.#held.delete(filter);
    await this.#wish(filter, undefined);
  }

  /**
   * A connection is ready. `lost` hears of each filter that was held and is now refused: rights may have changed.
   */
  connected(
    link: SubscribingLink,
    sessionPresent: boolean,
    lost: (filter: string, error: DeviceError) => void,
  ): void {
    this.#link = link;
    if (!sessionPresent) {
      for (const [filter, qos] of this.#held) {
        const renewed: Wish = { filter, qos, resolve: () => {}, reject: (error) => lost(filter, error) };
        // A newer wish for the same filter says what is wanted now.
        if (!this.#wishes.some((wish) => wish.filter === filter)) void this.#ask(link, renewed);
      }
    }
    const waiting = this.#wishes;
    this.#wishes = [];
    for (const wish of waiting) void this.#ask(link, wish);
  }

  disconnected(): void {
    this.#link = undefined;
  }

  /** Rejects what is unanswered: the session is over. */
  rejectAll(error: () => DeviceError): void {
    const waiting = this.#wishes;
    this.#wishes = [];
    this.#link = undefined;
    this.#over = true;
    for (const wish of waiting) wish.reject(error());
  }

  async #wish(filter: string, qos: QoS | undefined): Promise<Granted> {
    if (!this.#held.has(filter) && this.#held.size + this.#unsettled >= this.#limit) {
      throw new DeviceError("DEVICE_QUEUE_FULL", `a session holds at most ${this.#limit} subscriptions`);
    }
    this.#unsettled += 1;
    try {
      return await new Promise((resolve, reject) => {
        const wish: Wish = { filter, qos, resolve, reject };
        if (this.#link) void this.#ask(this.#link, wish);
        else this.#wishes.push(wish);
      });
    } finally {
      this.#unsettled -= 1;
    }
  }

  async #ask(link: SubscribingLink, wish: Wish): Promise<void> {
    const { filter, qos } = wish;
    try {
      if (qos === undefined) {
        await link.unsubscribe(filter);
        return wish.resolve({ filter, qos: 0 });
      }
      const code = await link.subscribe(filter, qos);
      // MQTT 3.1.1 §3.9.3: 0, 1 and 2 grant that maximum QoS, 0x80 is failure, the rest is reserved.
      if (code === 0 || code === 1 || code === 2) {
        this.#held.set(filter, qos);
        return wish.resolve({ filter, qos: code });
      }
      this.#held.delete(filter);
      wish.reject(
        new DeviceError(
          "DEVICE_SUBSCRIBE_REFUSED",
          `the gateway refused the subscription to ${filter}: this device's access rules do not allow it`,
          { returnCode: code },
        ),
      );
    } catch (error) {
      this.#unanswered(wish, error);
    }
  }

  /** The connection ended before the answer: ask again on the next one, unless there is none. */
  #unanswered(wish: Wish, error: unknown): void {
    if (this.#over) wish.reject(new DeviceError("DEVICE_CLOSED", "the session was closed", { cause: error }));
    else this.#wishes.push(wish);
  }
}
