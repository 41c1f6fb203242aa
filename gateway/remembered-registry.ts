import type { DeviceRegistry, RegisteredCertificate, RegisteredDevice } from "./identity.ts";

/**
 * What the registry answered about devices and certificates it knows, for as long as its change counter stands
 * still, so that a device that comes back costs no query. The counter is looked at in `changeCounter` alone:
 * whoever judges a peer calls that first, and then judges by what is true at that count. What the registry does not
 * know is not remembered: peers could make that grow.
 */
export class RememberedRegistry implements DeviceRegistry {
  readonly #registry: DeviceRegistry;
  readonly #capacity: number;
  readonly #certificates = new Map<string, RegisteredCertificate>();
  readonly #devices = new Map<string, RegisteredDevice>();
  #counter: number | undefined;

  /** `capacity` bounds each of the two kinds of answers. */
  constructor(registry: DeviceRegistry, capacity: number) {
    this.#registry = registry;
    this.#capacity = capacity;
  }

  changeCounter(): number {
    const counter = this.#registry.changeCounter();
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
