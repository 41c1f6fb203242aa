import type { Address } from "../../../dtls/association/settings.ts";
import type { Prng } from "../../../mitm/prng.ts";
import { looksAt } from "./inspect.ts";
import { type Refragmentation, refragment } from "./refragment.ts";
import type { Simulation } from "./simulation.ts";

/** What happens to the datagrams that one node sends. Probabilities are 0 to 1 and drawn for each datagram. */
export interface Faults {
  readonly drop?: number;
  readonly duplicate?: number;
  /** Held back for up to `reorderMs`, so that later ones overtake it. */
  readonly reorder?: number;
  readonly reorderMs?: number;
  readonly latencyMs?: number;
  /** One bit flipped. */
  readonly corrupt?: number;
  /** A hop that lets nothing larger through, and says nothing of it. */
  readonly mtu?: number;
  /** Epoch 0 handshake fragments cut anew, overlapping, by someone on the path. */
  readonly refragment?: Refragmentation;
  /** Decides over a single datagram before all else; undefined: the other faults decide. */
  readonly fate?: (datagram: Uint8Array, nth: number) => Fate | undefined;
}

export type Fate =
  | { readonly kind: "deliver" }
  | { readonly kind: "drop" }
  | { readonly kind: "delay"; readonly delayMs: number }
  | { readonly kind: "replace"; readonly datagrams: readonly Uint8Array[] };

export const deliver: Fate = { kind: "deliver" };
export const drop: Fate = { kind: "drop" };

export interface Delivery {
  readonly timeMs: number;
  readonly from: Address;
  readonly to: Address;
  readonly bytes: Uint8Array;
}

type Receiver = (datagram: Uint8Array, from: Address) => void;

/** UDP between nodes, as bad as a test wants it, on fake time and out of one seed. */
export class Network {
  readonly simulation: Simulation;
  readonly #prng: Prng;
  readonly #nodes = new Map<string, Receiver>();
  readonly #faults = new Map<string, Faults>();
  readonly #sent = new Map<string, number>();
  /** A NAT: what a private address looks like from outside, and the way back. */
  readonly #outside = new Map<string, Address>();
  readonly #inside = new Map<string, Address>();
  /** All that was handed to the network, before any fault. */
  onsend: ((sent: Delivery) => void) | undefined;

  constructor(simulation: Simulation, prng: Prng) {
    this.simulation = simulation;
    this.#prng = prng;
  }

  attach(address: Address, receiver: Receiver): void {
    this.#nodes.set(keyOf(address), receiver);
  }

  detach(address: Address): void {
    this.#nodes.delete(keyOf(address));
  }

  /** From now on, for what `from` sends. */
  setFaults(from: Address, faults: Faults): void {
    this.#faults.set(keyOf(from), faults);
    this.#sent.set(keyOf(from), 0);
  }

  /** Everything gets through at once. */
  heal(): void {
    this.#faults.clear();
  }

  /** A NAT gives `inner` another outside address and forgets the one before. */
  rebind(inner: Address, outer: Address): void {
    const before = this.#outside.get(keyOf(inner));
    if (before !== undefined) this.#inside.delete(keyOf(before));
    this.#outside.set(keyOf(inner), outer);
    this.#inside.set(keyOf(outer), inner);
  }

  send(from: Address, to: Address, bytes: Uint8Array): void {
    const source = keyOf(from);
    const nth = this.#sent.get(source) ?? 0;
    this.#sent.set(source, nth + 1);
    const apparent = this.#outside.get(source) ?? from;
    this.onsend?.({ timeMs: this.simulation.now, from: apparent, to, bytes });
    const faults = this.#faults.get(source) ?? {};
    const fate = faults.fate?.(bytes, nth);
    switch (fate?.kind) {
      case "drop":
        return;
      case "deliver":
        this.#carry(apparent, to, bytes, faults.latencyMs ?? 0);
        return;
      case "delay":
        this.#carry(apparent, to, bytes, fate.delayMs);
        return;
      case "replace":
        for (const datagram of fate.datagrams) this.#carry(apparent, to, datagram, faults.latencyMs ?? 0);
        return;
      case undefined:
        this.#suffer(apparent, to, bytes, faults);
    }
  }

  /** A datagram from anywhere: `from` may be somebody else's address. */
  inject(from: Address, to: Address, bytes: Uint8Array, delayMs = 0): void {
    this.#carry(from, to, bytes, delayMs);
  }

  #suffer(from: Address, to: Address, bytes: Uint8Array, faults: Faults): void {
    const prng = this.#prng;
    const pieces = faults.refragment ? refragment(bytes, faults.refragment, prng) : [bytes];
    for (const piece of pieces) {
      if (piece.length > (faults.mtu ?? Number.POSITIVE_INFINITY)) continue;
      const copies = prng.chance(faults.duplicate ?? 0) ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1) {
        if (prng.chance(faults.drop ?? 0)) continue;
        const late = prng.chance(faults.reorder ?? 0) ? prng.below(faults.reorderMs ?? 100) : 0;
        const damaged = prng.chance(faults.corrupt ?? 0) ? flipBit(piece, prng) : piece;
        this.#carry(from, to, damaged, (faults.latencyMs ?? 0) + late);
      }
    }
  }

  #carry(from: Address, to: Address, bytes: Uint8Array, delayMs: number): void {
    // Its own memory: a receiver may decrypt in place, and what was sent may be sent again.
    const datagram = Uint8Array.from(bytes);
    this.simulation.after(delayMs, () => {
      const target = this.#inside.get(keyOf(to)) ?? to;
      // Where a NAT stands before a node, its inner address is not reachable.
      if (target === to && this.#outside.has(keyOf(to))) return;
      this.#nodes.get(keyOf(target))?.(datagram, from);
    });
  }
}

export function keyOf(address: Address): string {
  return `${address.address}:${address.port}`;
}

/** Drops the first `count` datagrams that hold the given thing, such as "server_hello" or "change_cipher_spec". */
export function dropFirst(what: string, count = 1): NonNullable<Faults["fate"]> {
  return takeFirst(what, count, drop);
}

/** Holds back the first datagram that holds the given thing. */
export function delayFirst(what: string, delayMs: number): NonNullable<Faults["fate"]> {
  return takeFirst(what, 1, { kind: "delay", delayMs });
}

function takeFirst(what: string, count: number, fate: Fate): NonNullable<Faults["fate"]> {
  let left = count;
  return (datagram) => {
    if (left === 0 || !looksAt(datagram).includes(what)) return undefined;
    left -= 1;
    return fate;
  };
}

function flipBit(bytes: Uint8Array, prng: Prng): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (copy.length > 0) {
    const index = prng.below(copy.length);
    copy[index] = (copy[index] ?? 0) ^ (1 << prng.below(8));
  }
  return copy;
}
