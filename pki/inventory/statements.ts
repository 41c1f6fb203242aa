import type { Database } from "./database.ts";
import type { HolderKind, StoredCertificate, StoredDevice } from "./rows.ts";

/** Every statement of the inventory, prepared once. */
export type Statements = ReturnType<typeof statements>;

export function statements(database: Database) {
  const joined =
    "SELECT c.*, r.reason, r.revoked_at FROM certificates c LEFT JOIN revocations r USING (fingerprint)";
  return {
    setting: database.query<{ value: string }>("SELECT value FROM settings WHERE name = ?"),
    set: database.query<never>(
      "INSERT INTO settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    ),
    device: database.query<StoredDevice>("SELECT * FROM devices WHERE id = ?"),
    deviceFolded: database.query<StoredDevice>("SELECT * FROM devices WHERE id = ? COLLATE NOCASE"),
    devices: database.query<StoredDevice>(
      `SELECT * FROM devices WHERE (? IS NULL OR kind = ?) AND (? IS NULL OR group_name = ?)
       AND (? IS NULL OR status = ?) ORDER BY id`,
    ),
    insertDevice: database.query<never>("INSERT INTO devices VALUES (?, ?, ?, 'active', ?)"),
    setGroup: database.query<never>("UPDATE devices SET group_name = ? WHERE id = ?"),
    retire: database.query<never>("UPDATE devices SET status = 'retired' WHERE id = ?"),
    keyOwner: database.query<{ identity_kind: HolderKind; identity_id: string }>(
      "SELECT identity_kind, identity_id FROM public_keys WHERE spki = ?",
    ),
    keyCompromised: database.query<{ found: number }>(
      `SELECT 1 AS found FROM certificates JOIN revocations USING (fingerprint)
       WHERE spki = ? AND reason IN (1, 2, 10) LIMIT 1`,
    ),
    insertKey: database.query<never>("INSERT INTO public_keys VALUES (?, ?, ?) ON CONFLICT DO NOTHING"),
    insertCertificate: database.query<never>(
      "INSERT INTO certificates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    certificate: database.query<StoredCertificate>(`${joined} WHERE c.fingerprint = ?`),
    certificatesOf: database.query<StoredCertificate>(
      `${joined} WHERE c.identity_kind = ? AND c.identity_id = ? ORDER BY c.rowid DESC`,
    ),
    expiring: database.query<StoredCertificate>(
      `${joined} WHERE c.not_after < ? AND r.reason IS NULL ORDER BY c.not_after`,
    ),
    revoke: database.query<never>("INSERT INTO revocations VALUES (?, ?, ?)"),
    revoked: database.query<RevocationRow>(
      `SELECT fingerprint, serial_number, reason, revoked_at, not_after FROM revocations
       JOIN certificates USING (fingerprint) WHERE issuer_key_id = ? ORDER BY revoked_at, fingerprint`,
    ),
    counts: database.query<{ devices: number; certificates: number; revocations: number }>(
      `SELECT (SELECT count(*) FROM devices) AS devices, (SELECT count(*) FROM certificates) AS certificates,
       (SELECT count(*) FROM revocations) AS revocations`,
    ),
  };
}

interface RevocationRow {
  fingerprint: string;
  serial_number: string;
  reason: number;
  revoked_at: number;
  not_after: number;
}
