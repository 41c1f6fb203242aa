import type { CertificateRow, DeviceRow } from "../pki/index.ts";

/** What a certificate is worth at a moment. */
export type CertificateState = "valid" | "expired" | "not yet valid" | "revoked";

export function certificateState(row: CertificateRow, now: Date): CertificateState {
  if (row.revokedAt !== undefined) return "revoked";
  if (now.getTime() > row.notAfter.getTime()) return "expired";
  return now.getTime() < row.notBefore.getTime() ? "not yet valid" : "valid";
}

/** The newest certificate that is good now, or the newest at all; rows are newest first. */
export function currentCertificate(rows: readonly CertificateRow[], now: Date): CertificateRow | undefined {
  return rows.find((row) => certificateState(row, now) === "valid") ?? rows[0];
}

/**
 * What a device or operator is worth now: `active` when a certificate of it is good, otherwise why it does not get in.
 * The row alone says `active` until the device is retired.
 */
export function standingOf(
  row: DeviceRow,
  rows: readonly CertificateRow[],
  now: Date,
): DeviceRow["status"] | Exclude<CertificateState, "valid"> | "no certificate" {
  if (row.status !== "active") return row.status;
  const certificate = currentCertificate(rows, now);
  if (certificate === undefined) return "no certificate";
  const state = certificateState(certificate, now);
  return state === "valid" ? "active" : state;
}

/** A certificate as `--json` shows it. */
export function certificateDocument(row: CertificateRow, now: Date) {
  return {
    fingerprint: row.fingerprint,
    serialNumber: row.serialNumber,
    profile: row.profile,
    state: certificateState(row, now),
    notBefore: row.notBefore.toISOString(),
    notAfter: row.notAfter.toISOString(),
    ...(row.revokedAt && { revokedAt: row.revokedAt.toISOString(), revocationReason: row.revocationReason }),
  };
}
