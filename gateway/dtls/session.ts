import type { DTLSSession, DtlsError } from "../../dtls/index.ts";
import type { RefusalReason } from "../errors.ts";
import { type Admitted, Session } from "../session.ts";
import { dtlsErrorFor, type End, whyEnded } from "./refusals.ts";

/** One device's DTLS association, from the end of its handshake on. */
export class DtlsSession extends Session {
  readonly transport = "dtls";
  readonly #association: DTLSSession;
  readonly #released = Promise.withResolvers<void>();
  #end: End | undefined;

  constructor(association: DTLSSession, admitted: Admitted) {
    super(admitted);
    this.#association = association;
  }

  get address(): string {
    return addressOf(this.#association);
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  get released(): Promise<void> {
    return this.#released.promise;
  }

  /** At once; the peer is told by an alert. */
  kick(reason: RefusalReason, detail: string): void {
    if (this.#end !== undefined) return;
    this.#end = { reason, detail };
    this.#association.destroy(dtlsErrorFor(this.#end));
  }

  /** In order: the peer did nothing wrong. */
  end(reason: RefusalReason, detail: string): void {
    if (this.#end !== undefined) return;
    this.#end = { reason, detail };
    // "close" tells how that went.
    this.#association.close().catch(() => undefined);
  }

  /** Notes why the session is about to end, for an end that the endpoint carries out. */
  note(reason: RefusalReason, detail: string): void {
    this.#end ??= { reason, detail };
  }

  /** The association has ended, with the error if it was not in order. Returns why. */
  closed(error: DtlsError | undefined): End {
    this.#end ??= whyEnded(error);
    this.#released.resolve();
    return this.#end;
  }
}

export function addressOf(association: DTLSSession): string {
  return plainAddress(association.remoteAddress.address);
}

/** As events have it: an IPv4 address that came over an IPv6 socket is one of IPv4. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:/, "");
}

/** The live associations, and those of each device in the order in which they came. */
export class DtlsSessions implements Iterable<DtlsSession> {
  readonly #byDevice = new Map<string, Set<DtlsSession>>();
  readonly #all = new Set<DtlsSession>();

  /** Over the sessions of this moment: those that come or go meanwhile change nothing. */
  [Symbol.iterator](): Iterator<DtlsSession> {
    return [...this.#all].values();
  }

  add(session: DtlsSession): void {
    this.#all.add(session);
    const { id } = session.identity;
    const siblings = this.#byDevice.get(id) ?? new Set();
    this.#byDevice.set(id, siblings.add(session));
  }

  remove(session: DtlsSession): void {
    this.#all.delete(session);
    const siblings = this.#byDevice.get(session.identity.id);
    siblings?.delete(session);
    if (siblings?.size === 0) this.#byDevice.delete(session.identity.id);
  }

  /** The oldest sessions of a device that are more than `most`. */
  beyond(most: number, deviceId: string): DtlsSession[] {
    const siblings = [...(this.#byDevice.get(deviceId) ?? [])];
    return siblings.slice(0, Math.max(0, siblings.length - most));
  }
}
