import type { Session } from "./session.ts";

/** Stored sessions by client id, counted for each device: client ids are a device's id, or begin with it and a slash. */
export class SessionTable extends Map<string, Session> {
  readonly #perDevice = new Map<string, number>();

  /** How many sessions the device of this client id has. */
  ofDevice(clientId: string): number {
    return this.#perDevice.get(deviceOf(clientId)) ?? 0;
  }

  override set(clientId: string, session: Session): this {
    if (!this.has(clientId)) this.#perDevice.set(deviceOf(clientId), this.ofDevice(clientId) + 1);
    return super.set(clientId, session);
  }

  override delete(clientId: string): boolean {
    const known = super.delete(clientId);
    if (!known) return false;
    const left = this.ofDevice(clientId) - 1;
    if (left > 0) this.#perDevice.set(deviceOf(clientId), left);
    else this.#perDevice.delete(deviceOf(clientId));
    return true;
  }
}

function deviceOf(clientId: string): string {
  const slash = clientId.indexOf("/");
  return slash < 0 ? clientId : clientId.slice(0, slash);
}
