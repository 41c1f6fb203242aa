import type { Address } from "../association/settings.ts";
import { hostOf, keyOf } from "./addresses.ts";

export interface TableLimits {
  readonly maxSessions: number;
  readonly maxSessionsPerHost: number;
  readonly maxHandshakes: number;
  readonly maxHandshakesPerHost: number;
  /** When there is no room, the association that was silent longest makes some if it was for this long. */
  readonly staleAfterMs: number;
  readonly staleHandshakeAfterMs: number;
}

/** One association and where it is to be found. */
export interface TableEntry<V> {
  readonly value: V;
  /** Its client's random: the same in each retransmission of the ClientHello. */
  readonly random: string;
  /** Undefined: found by its connection id alone. */
  readonly key: string | undefined;
  readonly host: string;
  readonly connectionId: string | undefined;
  readonly established: boolean;
  /** Of the table's clock. */
  readonly heardAt: number;
  /** RFC 6347 §4.2.8: a newer handshake from the same address, which takes over only when it is complete. */
  readonly pending: TableEntry<V> | undefined;
}

export type Room<V> =
  | { readonly admitted: true; readonly evict: TableEntry<V> | undefined }
  | { readonly admitted: false; readonly reason: "busy" | "too_many_from_host" };

/**
 * All associations of an endpoint: by address, by connection id, in the order they were last heard of, and counted in
 * total and per host. The cost of each operation does not grow with their number.
 */
export class AssociationTable<V> {
  readonly #limits: TableLimits;
  readonly #byKey = new Map<string, Entry<V>>();
  readonly #byConnectionId = new Map<string, Entry<V>>();
  readonly #hosts = new Map<string, HostCount>();
  readonly #established = new LeastRecentFirst<V>();
  readonly #handshaking = new LeastRecentFirst<V>();

  constructor(limits: TableLimits) {
    this.#limits = limits;
  }

  get established(): number {
    return this.#established.size;
  }

  get handshaking(): number {
    return this.#handshaking.size;
  }

  get size(): number {
    return this.#established.size + this.#handshaking.size;
  }

  /** The association of an address; the older one where a newer is pending beside it. */
  at(key: string): TableEntry<V> | undefined {
    return this.#byKey.get(key);
  }

  withConnectionId(connectionId: string): TableEntry<V> | undefined {
    return this.#byConnectionId.get(connectionId);
  }

  hasConnectionId(connectionId: string): boolean {
    return this.#byConnectionId.has(connectionId);
  }

  /**
   * Whether a new handshake may begin, and what has to go for it. One that is to take the place of an established
   * association needs no more room than that has.
   */
  room(from: Address, now: number, replacing = false): Room<V> {
    const limits = this.#limits;
    const spare = replacing ? 1 : 0;
    const { all, handshaking } = this.#hosts.get(hostOf(from.address)) ?? nobody;
    if (all - spare >= limits.maxSessionsPerHost || handshaking >= limits.maxHandshakesPerHost) {
      return { admitted: false, reason: "too_many_from_host" };
    }
    if (this.#handshaking.size >= limits.maxHandshakes) {
      return evictIfStale(this.#handshaking.first, now - limits.staleHandshakeAfterMs);
    }
    if (this.size - spare >= limits.maxSessions) {
      return evictIfStale(this.#established.first, now - limits.staleAfterMs);
    }
    return { admitted: true, evict: undefined };
  }

  /** A new handshake; pending where its address belongs to another association already. */
  add(value: V, from: Address, random: string, now: number): TableEntry<V> {
    const key = keyOf(from);
    const entry = new Entry(value, random, key, hostOf(from.address), now);
    const older = this.#byKey.get(key);
    if (older === undefined) {
      this.#byKey.set(key, entry);
    } else {
      if (older.pending !== undefined) throw new Error("unreachable: two handshakes pending at one address");
      older.pending = entry;
      entry.older = older;
    }
    this.#handshaking.add(entry);
    const count = this.#countOf(entry.host);
    count.all += 1;
    count.handshaking += 1;
    return entry;
  }

  /** RFC 9146: records that carry this id belong to the entry, wherever they come from. */
  setConnectionId(entry: TableEntry<V>, connectionId: string): void {
    const own = mine(entry);
    if (own.removed || own.connectionId === connectionId) return;
    if (own.connectionId !== undefined) this.#byConnectionId.delete(own.connectionId);
    own.connectionId = connectionId;
    this.#byConnectionId.set(connectionId, own);
  }

  /** The handshake is complete. Returns the older association of the address, from which it takes that over. */
  establish(entry: TableEntry<V>): TableEntry<V> | undefined {
    const own = mine(entry);
    if (own.removed || own.established) return undefined;
    own.established = true;
    this.#handshaking.remove(own);
    this.#established.add(own);
    this.#countOf(own.host).handshaking -= 1;
    const { older } = own;
    if (older === undefined) return undefined;
    older.pending = undefined;
    older.key = undefined;
    own.older = undefined;
    if (own.key !== undefined) this.#byKey.set(own.key, own);
    return older;
  }

  /** Something of the peer was authenticated. */
  heard(entry: TableEntry<V>, now: number): void {
    const own = mine(entry);
    if (own.removed) return;
    own.heardAt = now;
    (own.established ? this.#established : this.#handshaking).touch(own);
  }

  /**
   * RFC 9146 §6: the peer moved. An address that belongs to another association stays with that one: the mover is
   * found by its connection id, and what claims to have moved shall not push others out.
   */
  move(entry: TableEntry<V>, to: Address): void {
    const own = mine(entry);
    if (own.removed) return;
    this.#leaveAddress(own);
    const key = keyOf(to);
    if (!this.#byKey.has(key)) {
      own.key = key;
      this.#byKey.set(key, own);
    }
    const host = hostOf(to.address);
    if (host === own.host) return;
    this.#uncount(own);
    own.host = host;
    const count = this.#countOf(host);
    count.all += 1;
    if (!own.established) count.handshaking += 1;
  }

  /** However an association ended, nothing of it stays. */
  remove(entry: TableEntry<V>): void {
    const own = mine(entry);
    if (own.removed) return;
    own.removed = true;
    this.#leaveAddress(own);
    if (own.connectionId !== undefined) this.#byConnectionId.delete(own.connectionId);
    (own.established ? this.#established : this.#handshaking).remove(own);
    this.#uncount(own);
  }

  /** Established associations, those not heard of for longest first. Nothing but the one at hand may be removed. */
  *leastRecentlyHeard(): Generator<TableEntry<V>> {
    let entry = this.#established.first;
    while (entry !== undefined) {
      const { newer } = entry;
      yield entry;
      entry = newer;
    }
  }

  *values(): Generator<V> {
    for (const list of [this.#established, this.#handshaking]) {
      let entry = list.first;
      while (entry !== undefined) {
        const { newer } = entry;
        yield entry.value;
        entry = newer;
      }
    }
  }

  #leaveAddress(entry: Entry<V>): void {
    const { older, pending, key } = entry;
    if (older !== undefined) {
      older.pending = undefined;
      entry.older = undefined;
    } else if (key !== undefined) {
      this.#byKey.delete(key);
      if (pending !== undefined) {
        // The newer handshake has the address to itself now.
        pending.older = undefined;
        entry.pending = undefined;
        this.#byKey.set(key, pending);
      }
    }
    entry.key = undefined;
  }

  #countOf(host: string): HostCount {
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const count = { all: 0, handshaking: 0 };
    this.#hosts.set(host, count);
    return count;
  }

  #uncount({ host, established }: Entry<V>): void {
    const count = this.#countOf(host);
    count.all -= 1;
    if (!established) count.handshaking -= 1;
    if (count.all === 0) this.#hosts.delete(host);
  }
}

interface HostCount {
  all: number;
  handshaking: number;
}

const nobody: Readonly<HostCount> = { all: 0, handshaking: 0 };

class Entry<V> implements TableEntry<V> {
  readonly value: V;
  readonly random: string;
  key: string | undefined;
  host: string;
  connectionId: string | undefined = undefined;
  established = false;
  heardAt: number;
  pending: Entry<V> | undefined = undefined;
  /** The association beside which this one is pending. */
  older: Entry<V> | undefined = undefined;
  removed = false;
  // The list of LeastRecentFirst.
  heardBefore: Entry<V> | undefined = undefined;
  newer: Entry<V> | undefined = undefined;

  constructor(value: V, random: string, key: string, host: string, now: number) {
    this.value = value;
    this.random = random;
    this.key = key;
    this.host = host;
    this.heardAt = now;
  }
}

/** A doubly linked list through the entries: a Map would be rebuilt every few thousand records. */
class LeastRecentFirst<V> {
  first: Entry<V> | undefined = undefined;
  #last: Entry<V> | undefined = undefined;
  size = 0;

  add(entry: Entry<V>): void {
    entry.heardBefore = this.#last;
    entry.newer = undefined;
    if (this.#last === undefined) this.first = entry;
    else this.#last.newer = entry;
    this.#last = entry;
    this.size += 1;
  }

  remove(entry: Entry<V>): void {
    const { heardBefore, newer } = entry;
    if (heardBefore === undefined) this.first = newer;
    else heardBefore.newer = newer;
    if (newer === undefined) this.#last = heardBefore;
    else newer.heardBefore = heardBefore;
    entry.heardBefore = undefined;
    entry.newer = undefined;
    this.size -= 1;
  }

  touch(entry: Entry<V>): void {
    if (entry === this.#last) return;
    this.remove(entry);
    this.add(entry);
  }
}

function evictIfStale<V>(entry: Entry<V> | undefined, heardBefore: number): Room<V> {
  if (entry === undefined || entry.heardAt > heardBefore) return { admitted: false, reason: "busy" };
  return { admitted: true, evict: entry };
}

/** The writable side of an entry: tables make no others. */
function mine<V>(entry: TableEntry<V>): Entry<V> {
  if (!(entry instanceof Entry)) throw new TypeError("not an entry of this table");
  return entry;
}
