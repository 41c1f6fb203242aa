import { hash } from "node:crypto";
import { readTwinCertificate } from "./certificate-reader.ts";
import type { TwinIdentity } from "./identity.ts";

interface Row extends TwinIdentity {
  readonly fingerprint: string;
  readonly serialNumber: string;
  revoked: boolean;
}

/** What a twin knows of its devices and their certificates. */
export class TwinInventory {
  readonly #rows = new Map<string, Row>();
  readonly #devices = new Set<string>();
  readonly #lacks: (weakness: string) => boolean;

  constructor(tolerates: ReadonlySet<string>) {
    this.#lacks = (weakness) => tolerates.has(weakness);
  }

  register(certificate: Uint8Array, identity: TwinIdentity): void {
    const fingerprint = hash("sha256", certificate);
    const serialNumber = serialNumberOf(certificate);
    this.#rows.set(fingerprint, { ...identity, fingerprint, serialNumber, revoked: false });
    this.#devices.add(identity.id);
  }

  /** Whose certificate it was; undefined for one that is not known. */
  revoke(certificate: Uint8Array): TwinIdentity | undefined {
    const row = this.#rows.get(hash("sha256", certificate));
    if (row !== undefined) row.revoked = true;
    return row;
  }

  remove(deviceId: string): void {
    this.#devices.delete(deviceId);
  }

  /** Whether the device is known and has a certificate that is good. */
  hasRights(deviceId: string): boolean {
    return (
      this.#devices.has(deviceId) &&
      [...this.#rows.values()].some(({ id, revoked }) => id === deviceId && !revoked)
    );
  }

  /** The RFC name of the alert that refuses it; undefined: it may come in. */
  refusal(certificate: Uint8Array, identity: TwinIdentity): string | undefined {
    const row = this.#find(certificate);
    if (row === undefined)
      return this.#lacks("unregistered-certificate-accepted") ? undefined : "access_denied";
    const isSame = row.id === identity.id && row.kind === identity.kind;
    if (!isSame && !this.#lacks("registration-by-name")) return "access_denied";
    if (row.revoked && !this.#lacks("registered-revocation-ignored")) return "certificate_revoked";
    const isKnown = this.#devices.has(identity.id) || this.#lacks("removed-device-accepted");
    return isKnown ? undefined : "access_denied";
  }

  #find(certificate: Uint8Array): Row | undefined {
    if (!this.#lacks("registration-by-serial-number")) return this.#rows.get(hash("sha256", certificate));
    const serialNumber = serialNumberOf(certificate);
    return [...this.#rows.values()].find((row) => row.serialNumber === serialNumber);
  }
}

function serialNumberOf(certificate: Uint8Array): string {
  try {
    return Buffer.from(readTwinCertificate(certificate).serialNumber).toString("hex");
  } catch {
    // Not to be read at all: told apart by its fingerprint.
    return "";
  }
}
