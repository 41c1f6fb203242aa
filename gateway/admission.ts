import type { RefusalReason } from "./errors.ts";
import type { Limits } from "./limits.ts";

/** A connection's place in the counts. Both calls may come more than once. */
export interface Place {
  handshakeDone(): void;
  leave(): void;
}

/** Counts connections and unfinished handshakes, in all and by address, and says who may not come in. */
export class Admission {
  readonly #limits: Limits;
  readonly #connectionsByAddress = new Map<string, number>();
  readonly #handshakesByAddress = new Map<string, number>();
  #connections = 0;
  #handshakes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get connections(): number {
    return this.#connections;
  }

  /** A place for one more connection from `address`, or why there is none. */
  enter(address: string): Place | RefusalReason {
    const limits = this.#limits;
    if (this.#connections >= limits.connections) return "too_many_connections";
    if ((this.#connectionsByAddress.get(address) ?? 0) >= limits.connectionsPerAddress) {
      return "too_many_connections_from_address";
    }
    if (
      this.#handshakes >= limits.handshakes ||
      (this.#handshakesByAddress.get(address) ?? 0) >= limits.handshakesPerAddress
    ) {
      return "too_many_handshakes";
    }
    this.#connections += 1;
    this.#handshakes += 1;
    add(this.#connectionsByAddress, address, 1);
    add(this.#handshakesByAddress, address, 1);
    let shaking = true;
    let inside = true;
    const handshakeDone = () => {
      if (!shaking) return;
      shaking = false;
      this.#handshakes -= 1;
      add(this.#handshakesByAddress, address, -1);
    };
    const leave = () => {
      handshakeDone();
      if (!inside) return;
      inside = false;
      this.#connections -= 1;
      add(this.#connectionsByAddress, address, -1);
    };
    return { handshakeDone, leave };
  }
}

/** An address that holds nothing any more leaves no entry behind. */
function add(counts: Map<string, number>, address: string, change: 1 | -1): void {
  const count = (counts.get(address) ?? 0) + change;
  if (count === 0) counts.delete(address);
  else counts.set(address, count);
}
