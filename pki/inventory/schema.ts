/** "SaPy": marks the file as a Sallyport inventory (`PRAGMA application_id`). */
export const inventoryApplicationId = 0x53_61_50_79;

/**
 * The schema, one script per version. A script that has been released is never edited: a change is a new script.
 *
 * Times are milliseconds since 1970 (UTC), fingerprints and key ids lower-case hex.
 */
export const inventoryMigrations: readonly string[] = [
  `
  -- What the PKI is: its trust domain and when it was made.
  CREATE TABLE settings (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Devices and operators share one name space: an id becomes an MQTT client id, which must mean one party only.
  CREATE TABLE devices (
    id         TEXT PRIMARY KEY NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('device', 'operator')),
    group_name TEXT,
    status     TEXT NOT NULL CHECK (status IN ('active', 'retired')),
    created_at INTEGER NOT NULL
  ) STRICT;
  -- Two ids that differ in case only would share their files where the file system ignores case.
  CREATE UNIQUE INDEX devices_by_folded_id ON devices (id COLLATE NOCASE);

  -- Whose key is it? One public key belongs to one identity, for ever.
  CREATE TABLE public_keys (
    spki          TEXT PRIMARY KEY NOT NULL,
    identity_kind TEXT NOT NULL CHECK (identity_kind IN ('device', 'operator', 'gateway', 'ca')),
    identity_id   TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE certificates (
    fingerprint   TEXT PRIMARY KEY NOT NULL,
    serial_number TEXT NOT NULL,
    issuer_key_id TEXT NOT NULL,
    identity_kind TEXT NOT NULL CHECK (identity_kind IN ('device', 'operator', 'gateway', 'ca')),
    identity_id   TEXT NOT NULL,
    profile       TEXT NOT NULL,
    not_before    INTEGER NOT NULL,
    not_after     INTEGER NOT NULL,
    spki          TEXT NOT NULL REFERENCES public_keys (spki),
    der           BLOB NOT NULL,
    UNIQUE (issuer_key_id, serial_number)
  ) STRICT;
  CREATE INDEX certificates_by_identity ON certificates (identity_kind, identity_id);
  CREATE INDEX certificates_by_expiry ON certificates (not_after);
  CREATE INDEX certificates_by_key ON certificates (spki);

  CREATE TABLE revocations (
    fingerprint TEXT PRIMARY KEY NOT NULL REFERENCES certificates (fingerprint),
    reason      INTEGER NOT NULL CHECK (reason IN (0, 1, 2, 3, 4, 5, 9, 10)),
    revoked_at  INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE crl_numbers (
    issuer_key_id TEXT NOT NULL,
    number        INTEGER NOT NULL CHECK (number > 0),
    this_update   INTEGER NOT NULL,
    next_update   INTEGER NOT NULL,
    der           BLOB,
    PRIMARY KEY (issuer_key_id, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE audit (
    seq       INTEGER PRIMARY KEY NOT NULL,
    at        INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    action    TEXT NOT NULL,
    subject   TEXT NOT NULL,
    details   TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash      TEXT NOT NULL
  ) STRICT;
  -- The end of the chain, kept apart from it: entries cut off the end are missed.
  CREATE TABLE audit_head (
    only INTEGER PRIMARY KEY NOT NULL CHECK (only = 1),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  INSERT INTO audit_head VALUES (1, 0, '${"00".repeat(32)}');

  CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_is_append_only_insert BEFORE INSERT ON audit
    WHEN NEW.seq <> (SELECT seq + 1 FROM audit_head)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_head_moves_forward BEFORE UPDATE ON audit_head WHEN NEW.seq < OLD.seq
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

  CREATE TRIGGER certificates_stay_as_issued BEFORE UPDATE ON certificates
    BEGIN SELECT RAISE(ABORT, 'a recorded certificate does not change'); END;
  CREATE TRIGGER certificates_are_kept BEFORE DELETE ON certificates
    BEGIN SELECT RAISE(ABORT, 'a recorded certificate is kept'); END;
  CREATE TRIGGER revocations_are_final_update BEFORE UPDATE ON revocations
    BEGIN SELECT RAISE(ABORT, 'a revocation is final'); END;
  CREATE TRIGGER revocations_are_final_delete BEFORE DELETE ON revocations
    BEGIN SELECT RAISE(ABORT, 'a revocation is final'); END;
  `,
];
