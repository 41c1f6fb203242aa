export { type AuditEntry, type AuditHead, AuditLog, type NewAuditEntry } from "./audit.ts";
export type { JsonValue } from "./canonical-json.ts";
export { type CrlNumber, CrlNumbers, type StoredCrl } from "./crl-numbers.ts";
export { type DeviceFilter, Inventory, type InventoryOptions } from "./inventory.ts";
export {
  type CertificateRow,
  type DeviceRow,
  type HolderKind,
  isRevocationReason,
  type NewCertificate,
  type NewDevice,
  type Revocation,
  type RevocationReason,
  revocationReasons,
} from "./rows.ts";
