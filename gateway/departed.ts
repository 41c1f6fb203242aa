import type { AccessSubject, Rights } from "./access.ts";
import type { EmitEvent } from "./events.ts";
import type { StoredWill } from "./guarded-persistence.ts";
import { type DeviceRegistry, endOfDevice } from "./identity.ts";
import type { SqlitePersistence } from "./persistence/index.ts";

export interface DepartedOptions {
  readonly registry: DeviceRegistry;
  readonly persistence: Pick<
    SqlitePersistence,
    "sessionIds" | "publisherIds" | "orphanedWills" | "purgeSession" | "purgeRetainedFrom" | "deleteWill"
  >;
  readonly emit: EmitEvent;
  readonly rightsOf: (subject: AccessSubject) => Rights;
}

/**
 * What devices leave behind in the broker: stored sessions, retained messages, wills. When a device has lost its
 * last certificate, or is retired or gone, all of it is removed, whether or not the device is connected.
 */
export class Departed {
  readonly #options: DepartedOptions;

  constructor(options: DepartedOptions) {
    this.#options = options;
  }

  /** One judgement for each device that something is stored of. */
  *subjects(): Generator<() => void> {
    for (const [deviceId, ids] of Map.groupBy(this.#clientIds(), deviceOf)) {
      yield () => this.#judge(deviceId, ids);
    }
  }

  /** Judges one device without waiting for the next round. */
  judge(deviceId: string): void {
    const own = this.#clientIds().filter((clientId) => deviceOf(clientId) === deviceId);
    if (own.length > 0) this.#judge(deviceId, own);
  }

  /** May the will of a client that is not connected still fire? Its rights are those of now. */
  mayFire(will: StoredWill): boolean {
    const { registry, rightsOf } = this.#options;
    const id = deviceOf(will.clientId);
    const device = registry.device(id);
    if (device === undefined || endOfDevice(registry, id) !== undefined) return false;
    const rights = rightsOf({ kind: device.kind, id, group: device.group });
    return rights.mayPublish(will.topic) && (!will.retain || rights.mayRetain);
  }

  #clientIds(): string[] {
    const { persistence } = this.#options;
    const wills = persistence.orphanedWills().map((will) => will.clientId);
    return [...new Set([...persistence.sessionIds(), ...persistence.publisherIds(), ...wills])];
  }

  #judge(deviceId: string, clientIds: readonly string[]): void {
    const { registry, persistence, emit } = this.#options;
    const reason = endOfDevice(registry, deviceId);
    if (reason === undefined) return;
    const purges = [
      ...clientIds.map((id) => persistence.purgeSession(id)),
      ...clientIds.map((id) => persistence.deleteWill(id)),
      persistence.purgeRetainedFrom(deviceId),
    ];
    Promise.all(purges).then(
      () => emit({ type: "device.purged", deviceId, reason }),
      (cause: unknown) =>
        emit({ type: "warning", detail: `what ${deviceId} left behind stays stored`, cause }),
    );
  }
}

/** A client id is the device's id, or begins with it and a slash. */
function deviceOf(clientId: string): string {
  return clientId.split("/", 1)[0] ?? "";
}
