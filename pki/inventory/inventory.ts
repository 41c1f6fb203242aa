import { userInfo } from "node:os";
import { join } from "node:path";
import { PkiError } from "../errors.ts";
import { isValidIdentityName } from "../identity.ts";
import { AuditLog, type NewAuditEntry } from "./audit.ts";
import { CrlNumbers } from "./crl-numbers.ts";
import { Database } from "./database.ts";
import {
  type CertificateRow,
  certificateRow,
  type DeviceRow,
  deviceRow,
  type HolderKind,
  type NewCertificate,
  type NewDevice,
  type Revocation,
  type RevocationReason,
  reasonNamed,
  revocationReasons,
  type StoredDevice,
} from "./rows.ts";
import { inventoryApplicationId, inventoryMigrations } from "./schema.ts";
import { type Statements, statements } from "./statements.ts";

export interface InventoryOptions {
  readonly readOnly?: boolean;
  /** Make the file when there is none (default false: a lost inventory must not pass for an empty one). */
  readonly create?: boolean;
  /** Who acts, for the audit log; default the operating system's user name. */
  readonly actor?: string;
  readonly now?: () => Date;
  readonly busyTimeoutMs?: number;
}

export interface DeviceFilter {
  readonly kind?: "device" | "operator";
  readonly group?: string;
  readonly status?: "active" | "retired";
}

/**
 * What the PKI has made and what became of it: `<directory>/inventory.sqlite`. Several processes may have it open;
 * every method that writes is one transaction, durable when it returns, its audit entries in the same transaction.
 */
export class Inventory {
  readonly audit: AuditLog;
  readonly crlNumbers: CrlNumbers;
  readonly #database: Database;
  readonly #now: () => Date;
  readonly #sql: Statements;

  private constructor(database: Database, options: InventoryOptions) {
    this.#database = database;
    this.#now = options.now ?? (() => new Date());
    this.#sql = statements(database);
    this.audit = new AuditLog(database, options.actor ?? operatingSystemUser(), this.#now);
    this.crlNumbers = new CrlNumbers(database);
  }

  /** Opens `<directory>/inventory.sqlite`. Throws PKI_INVENTORY_* with what to do next. */
  static open(directory: string, options: InventoryOptions = {}): Inventory {
    const database = Database.open(join(directory, "inventory.sqlite"), {
      ...options,
      applicationId: inventoryApplicationId,
      migrations: inventoryMigrations,
    });
    return new Inventory(database, options);
  }

  /** Runs `work` as one transaction under the write lock: all of its writes become durable, or none. Synchronous. */
  transaction<T>(work: () => T): T {
    return this.#database.write(work);
  }

  /** What the authority noted about itself ("trustDomain"); undefined when it noted nothing. */
  setting(name: string): string | undefined {
    return this.#sql.setting.get(name)?.value;
  }

  set(name: string, value: string): void {
    this.transaction(() => {
      this.#sql.set.run(name, value);
      this.audit.append({ action: "setting.change", subject: `setting/${name}`, details: { value } });
    });
  }

  /** Throws PKI_IDENTITY_NAME for an id unfit as such, PKI_DEVICE_EXISTS when the id is taken (in any case). */
  addDevice(device: NewDevice): DeviceRow {
    const { id, kind, group } = device;
    if (group !== undefined) requireName("group", group);
    return this.transaction(() => {
      this.requireFreeId(id);
      const createdAt = this.#now();
      this.#sql.insertDevice.run(id, kind, group ?? null, createdAt.getTime());
      this.audit.append({ action: `${kind}.add`, subject: `${kind}/${id}`, details: { group } });
      return { id, kind, ...(group === undefined ? {} : { group }), status: "active", createdAt };
    });
  }

  /** Throws as `addDevice` does for this id. */
  requireFreeId(id: string): void {
    requireName("id", id);
    const taken = this.#sql.deviceFolded.get(id);
    if (taken !== undefined) {
      throw new PkiError(
        "PKI_DEVICE_EXISTS",
        `${taken.kind} ${taken.id} exists already: renew it, or take another id`,
      );
    }
  }

  /** The device of exactly this id; with `kind`, only when it is of that kind. */
  device(id: string, kind?: "device" | "operator"): DeviceRow | undefined {
    const row = this.#sql.device.get(id);
    return row === undefined || (kind !== undefined && row.kind !== kind) ? undefined : deviceRow(row);
  }

  devices(filter: DeviceFilter = {}): DeviceRow[] {
    const { kind = null, group = null, status = null } = filter;
    return this.#sql.devices.all(kind, kind, group, group, status, status).map(deviceRow);
  }

  /** Puts a device into a group, or with undefined into none. Throws PKI_DEVICE_UNKNOWN. */
  setGroup(id: string, group: string | undefined): void {
    if (group !== undefined) requireName("group", group);
    this.transaction(() => {
      const { kind } = this.#known(id);
      this.#sql.setGroup.run(group ?? null, id);
      this.audit.append({ action: `${kind}.group`, subject: `${kind}/${id}`, details: { group } });
    });
  }

  /** Ends a device's life: it is refused from now on and its id stays taken. Throws PKI_DEVICE_UNKNOWN. */
  retireDevice(id: string): void {
    this.transaction(() => {
      const { kind, status } = this.#known(id);
      if (status === "retired") return;
      this.#sql.retire.run(id);
      this.audit.append({ action: `${kind}.retire`, subject: `${kind}/${id}` });
    });
  }

  /**
   * Records certificates before anybody may see them: all or none, durable when this returns.
   * Throws PKI_DUPLICATE_KEY when a public key is another identity's or was compromised, PKI_DUPLICATE_SERIAL,
   * PKI_DEVICE_UNKNOWN, PKI_DEVICE_RETIRED.
   */
  recordCertificates(certificates: readonly NewCertificate[], action = "certificate.issue"): void {
    this.transaction(() => {
      const entries = certificates.map((certificate) => this.#record(certificate, action));
      this.audit.appendAll(entries);
    });
  }

  /** Throws PKI_DUPLICATE_KEY when this key (hex SHA-256 over the SPKI) may not get a certificate for this identity. */
  requireKeyFree(spki: string, kind: HolderKind, id: string): void {
    const owner = this.#sql.keyOwner.get(spki);
    if (owner === undefined) return;
    if (owner.identity_kind !== kind || owner.identity_id !== id) {
      const whose = `${owner.identity_kind} ${owner.identity_id}`;
      throw new PkiError(
        "PKI_DUPLICATE_KEY",
        `this public key belongs to ${whose}: make a new key for each device`,
      );
    }
    if (this.#sql.keyCompromised.get(spki) !== undefined) {
      throw new PkiError("PKI_DUPLICATE_KEY", "this public key was revoked as compromised: make a new key");
    }
  }

  certificate(fingerprint: string): CertificateRow | undefined {
    const row = this.#sql.certificate.get(fingerprint);
    return row === undefined ? undefined : certificateRow(row);
  }

  /** All certificates of one identity, the newest first. */
  certificatesOf(id: string, kind: HolderKind = "device"): CertificateRow[] {
    return this.#sql.certificatesOf.all(kind, id).map(certificateRow);
  }

  /** Certificates that are not revoked and run out before `before`, the first to run out first. */
  expiringCertificates(before: Date): CertificateRow[] {
    return this.#sql.expiring.all(before.getTime()).map(certificateRow);
  }

  counts(): { readonly devices: number; readonly certificates: number; readonly revocations: number } {
    const row = this.#sql.counts.get();
    return {
      devices: row?.devices ?? 0,
      certificates: row?.certificates ?? 0,
      revocations: row?.revocations ?? 0,
    };
  }

  /**
   * Revokes a certificate for good; durable when this returns. Revoking it again changes nothing and returns false.
   * Throws PKI_CERTIFICATE_UNKNOWN.
   */
  revoke(fingerprint: string, how: { readonly reason: RevocationReason; readonly at: Date }): boolean {
    return this.transaction(() => {
      const row = this.certificate(fingerprint);
      if (row === undefined) {
        throw new PkiError(
          "PKI_CERTIFICATE_UNKNOWN",
          `no certificate ${fingerprint} in the inventory: list them first`,
        );
      }
      if (row.revokedAt !== undefined) return false;
      this.#sql.revoke.run(fingerprint, revocationReasons[how.reason], how.at.getTime());
      const { serialNumber: serial, identityKind, identityId } = row;
      const details = { fingerprint, serial, reason: how.reason, revokedAt: how.at.toISOString() };
      this.audit.append({ action: "certificate.revoke", subject: `${identityKind}/${identityId}`, details });
      return true;
    });
  }

  /** What one issuer (hex SHA-256 over its SPKI) revoked, in order of time. */
  revoked(issuerKeyId: string): Revocation[] {
    return this.#sql.revoked.all(issuerKeyId).map((row) => ({
      fingerprint: row.fingerprint,
      serialNumber: row.serial_number,
      reason: reasonNamed(row.reason),
      revokedAt: new Date(row.revoked_at),
      notAfter: new Date(row.not_after),
    }));
  }

  /** Differs after any commit by any process; costs about as much as looking at the file. */
  changeCounter(): number {
    return this.#database.changeCounter();
  }

  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #known(id: string): StoredDevice {
    const row = this.#sql.device.get(id);
    if (row === undefined)
      throw new PkiError("PKI_DEVICE_UNKNOWN", `no device or operator ${id}: add it first`);
    return row;
  }

  #record(certificate: NewCertificate, action: string): NewAuditEntry {
    const {
      fingerprint,
      serialNumber,
      issuerKeyId,
      identityKind: kind,
      identityId: id,
      profile,
      spki,
    } = certificate;
    if (kind === "device" || kind === "operator") {
      const device = this.#known(id);
      if (device.kind !== kind)
        throw new PkiError("PKI_DEVICE_UNKNOWN", `${id} is no ${kind} but a ${device.kind}`);
      if (device.status === "retired") {
        throw new PkiError("PKI_DEVICE_RETIRED", `${kind} ${id} is retired: it gets no more certificates`);
      }
    }
    this.requireKeyFree(spki, kind, id);
    this.#sql.insertKey.run(spki, kind, id);
    const notBefore = certificate.notBefore.getTime();
    const notAfter = certificate.notAfter.getTime();
    const { der } = certificate;
    // biome-ignore format: one line a row
    const inserted = this.#sql.insertCertificate.run(
      fingerprint, serialNumber, issuerKeyId, kind, id, profile, notBefore, notAfter, spki, der,
    );
    if (inserted !== 1) {
      throw new PkiError(
        "PKI_DUPLICATE_SERIAL",
        `this issuer has already used serial number ${serialNumber}`,
      );
    }
    const details = {
      fingerprint,
      serial: serialNumber,
      issuer: issuerKeyId,
      profile,
      spki,
      notBefore,
      notAfter,
    };
    return { action, subject: `${kind}/${id}`, details };
  }
}

function requireName(what: string, name: string): void {
  if (isValidIdentityName(name)) return;
  const rule = "letters, digits, dot, dash and underscore, 1 to 64 of them, starting with a letter or digit";
  throw new PkiError(
    "PKI_IDENTITY_NAME",
    `${JSON.stringify(name.slice(0, 80))} is no valid ${what}: ${rule}`,
  );
}

function operatingSystemUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user id may have no name.
    return `uid:${process.getuid?.() ?? "unknown"}`;
  }
}
