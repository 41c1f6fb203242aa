import type { Prng } from "../prng.ts";

/** What a bad network does to each datagram; probabilities are 0 to 1 and drawn from the seed of the case. */
export interface Weather {
  readonly drop?: number;
  readonly duplicate?: number;
  /** Held back for up to `reorderMs` (default 50), so that later ones overtake it. */
  readonly reorder?: number;
  readonly reorderMs?: number;
  /** One bit flipped. */
  readonly corrupt?: number;
  /** A hop that lets nothing larger through, and says nothing of it. */
  readonly mtu?: number;
}

export interface Suffered {
  readonly bytes: Uint8Array;
  readonly delayMs: number;
}

/** What arrives of a datagram, and when. */
export function suffer(datagram: Uint8Array, weather: Weather, prng: Prng): Suffered[] {
  if (datagram.length > (weather.mtu ?? Number.POSITIVE_INFINITY)) return [];
  const arriving: Suffered[] = [];
  const copies = prng.chance(weather.duplicate ?? 0) ? 2 : 1;
  for (let copy = 0; copy < copies; copy += 1) {
    if (prng.chance(weather.drop ?? 0)) continue;
    const delayMs = prng.chance(weather.reorder ?? 0) ? prng.below(weather.reorderMs ?? 50) : 0;
    const bytes = prng.chance(weather.corrupt ?? 0) ? flipBit(datagram, prng) : datagram;
    arriving.push({ bytes, delayMs });
  }
  return arriving;
}

/** The same bytes with one bit the other way round, of the last `tail` bytes (default: of all). */
export function flipBit(bytes: Uint8Array, prng: Prng, tail = bytes.length): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const length = Math.min(tail, copy.length);
  if (length > 0) {
    const index = copy.length - 1 - prng.below(length);
    copy[index] = (copy[index] ?? 0) ^ (1 << prng.below(8));
  }
  return copy;
}
