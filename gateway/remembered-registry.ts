import type { DeviceRegistry, RegisteredCertificate, RegisteredDevice } from "./identity.ts";

/** How old a count may be for `recentCounter`: in a storm of connections one reading serves several. */
const recentMs = 10;

/**
 * What the registry answered about devices and certificates it knows, for as long as its change counter stands
 * still, so that a device that comes back costs no query. Whoever judges a peer asks for the counter first, and then
 * judges by what is true at that count. A peer that passed the handshake by a recent
 * count is judged by the count of that moment at its CONNECT; the revocation watch reads the counter through here
 * as well, so that what it sees is seen by everybody. What
 * the registry does not know is not remembered: peers could make that grow.
 */
export class RememberedRegistry implements DeviceRegistry {
  readonly #registry: DeviceRegistry;
  readonly #capacity: number;
  readonly #certificates = new Map<string, RegisteredCertificate>();
  readonly #devices = new Map<string, RegisteredDevice>();
  readonly #monotonicMs: () => number;
  #counter: number | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  /** `capacity` bounds each of the two kinds of answers. */
  constructor(registry: DeviceRegistry, capacity: number, monotonicMs = () => performance.now()) {
    this.#registry = registry;
    this.#capacity = capacity;
    this.#monotonicMs = monotonicMs;
  }

  /** The counter as it was read at most 10 ms ago. */
  recentCounter(): number {
    if (this.#counter !== undefined && this.#monotonicMs() - this.#readAt < recentMs) return this.#counter;
    return this.changeCounter();
  }

  changeCounter(): number {
    const now = this.#monotonicMs();
    const counter = this.#registry.changeCounter();
    // Not before it was read: a count that cannot be had makes the last one no younger.
    this.#readAt = now;
    if (counter !== this.#counter) {
      this.#certificates.clear();
      this.#devices.clear();
      this.#counter = counter;
    }
    return counter;
  }

  certificate(fingerprint: string): RegisteredCertificate | undefined {
    const known = this.#certificates.get(fingerprint);
    if (known !== undefined) return known;
    const row = this.#registry.certificate(fingerprint);
    if (row === undefined) return undefined;
    const { identityKind, identityId, revokedAt } = row;
    return this.#keep(this.#certificates, fingerprint, {
      identityKind,
      identityId,
      ...(revokedAt && { revokedAt }),
    });
  }

  device(id: string): RegisteredDevice | undefined {
    const known = this.#devices.get(id);
    if (known !== undefined) return known;
    const row = this.#registry.device(id);
    if (row === undefined) return undefined;
    const { kind, status, group } = row;
    return this.#keep(this.#devices, id, { kind, status, ...(group !== undefined && { group }) });
  }

  certificatesOf(id: string, kind: "device" | "operator"): readonly RegisteredCertificate[] {
    return this.#registry.certificatesOf(id, kind);
  }

  #keep<T>(answers: Map<string, T>, key: string, answer: T): T {
    // Before the counter was looked at nobody could tell when the answer stops being true.
    if (this.#counter === undefined) return answer;
    if (answers.size >= this.#capacity) answers.clear();
    answers.set(key, answer);
    return answer;
  }
}
