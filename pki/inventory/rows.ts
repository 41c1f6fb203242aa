/** Who a certificate speaks for. "gateway" and "ca" are our own; the others have a row in `devices`. */
export type HolderKind = "device" | "operator" | "gateway" | "ca";

export interface NewDevice {
  readonly id: string;
  readonly kind: "device" | "operator";
  readonly group?: string | undefined;
}

/** A device or an operator. `status` "retired": it is refused and gets no more certificates; its id stays taken. */
export interface DeviceRow {
  readonly id: string;
  readonly kind: "device" | "operator";
  readonly group?: string;
  readonly status: "active" | "retired";
  readonly createdAt: Date;
}

export interface NewCertificate {
  /** Lower-case hex SHA-256 over `der`. */
  readonly fingerprint: string;
  /** Lower-case hex of the INTEGER's content octets. */
  readonly serialNumber: string;
  /** Lower-case hex SHA-256 over the issuer's SubjectPublicKeyInfo. */
  readonly issuerKeyId: string;
  readonly identityKind: HolderKind;
  readonly identityId: string;
  readonly profile: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Lower-case hex SHA-256 over the SubjectPublicKeyInfo. */
  readonly spki: string;
  readonly der: Uint8Array;
}

export interface CertificateRow extends NewCertificate {
  readonly revokedAt?: Date;
  readonly revocationReason?: RevocationReason;
}

/**
 * RFC 5280 §5.3.1, CRLReason, without certificateHold and removeFromCRL: a revocation here is final.
 */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;
export type RevocationReason = keyof typeof revocationReasons;

export interface Revocation {
  readonly fingerprint: string;
  readonly serialNumber: string;
  readonly reason: RevocationReason;
  readonly revokedAt: Date;
  /** When the certificate itself runs out: after that a CRL need not name it. */
  readonly notAfter: Date;
}

export function isRevocationReason(text: string): text is RevocationReason {
  return Object.hasOwn(revocationReasons, text);
}

export interface StoredDevice {
  id: string;
  kind: "device" | "operator";
  group_name: string | null;
  status: "active" | "retired";
  created_at: number;
}

export function deviceRow(row: StoredDevice): DeviceRow {
  const group = row.group_name === null ? {} : { group: row.group_name };
  return { id: row.id, kind: row.kind, ...group, status: row.status, createdAt: new Date(row.created_at) };
}

export interface StoredCertificate {
  fingerprint: string;
  serial_number: string;
  issuer_key_id: string;
  identity_kind: HolderKind;
  identity_id: string;
  profile: string;
  not_before: number;
  not_after: number;
  spki: string;
  der: Uint8Array;
  reason: number | null;
  revoked_at: number | null;
}

export function certificateRow(row: StoredCertificate): CertificateRow {
  return {
    fingerprint: row.fingerprint,
    serialNumber: row.serial_number,
    issuerKeyId: row.issuer_key_id,
    identityKind: row.identity_kind,
    identityId: row.identity_id,
    profile: row.profile,
    notBefore: new Date(row.not_before),
    notAfter: new Date(row.not_after),
    spki: row.spki,
    der: row.der,
    ...(row.revoked_at === null || row.reason === null
      ? {}
      : { revokedAt: new Date(row.revoked_at), revocationReason: reasonNamed(row.reason) }),
  };
}

export function reasonNamed(code: number): RevocationReason {
  for (const [name, value] of Object.entries(revocationReasons)) {
    if (value === code && isRevocationReason(name)) return name;
  }
  throw new Error(`unreachable: the schema refuses CRLReason ${code}`);
}
