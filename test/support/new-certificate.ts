import { hash, randomBytes } from "node:crypto";
import type { NewCertificate } from "../../pki/inventory/index.ts";

/** A row that only looks like a certificate: the inventory does not parse what it keeps. */
export function newCertificate(over: Partial<NewCertificate> = {}): NewCertificate {
  const der = over.der ?? randomBytes(64);
  return {
    fingerprint: hash("sha256", der),
    serialNumber: randomBytes(16).toString("hex"),
    issuerKeyId: "aa".repeat(32),
    identityKind: "device",
    identityId: "pump-1",
    profile: "device",
    notBefore: new Date("2026-11-01T00:00:00Z"),
    notAfter: new Date("2027-02-01T00:00:00Z"),
    spki: randomBytes(32).toString("hex"),
    ...over,
    der,
  };
}
