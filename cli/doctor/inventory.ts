import { type CertificateRow, Inventory } from "../../pki/index.ts";
import type { StateFiles } from "../state-directory.ts";
import type { Finding } from "./examine.ts";

const dayMs = 24 * 60 * 60 * 1000;
const soonDays = 30;
/** Clocks of machines that share a directory may differ by this much. */
const clockToleranceMs = 5 * 60 * 1000;

export function examineInventory(files: StateFiles, now: Date): Finding[] {
  using inventory = Inventory.open(files.directory, { readOnly: true });
  return [...audit(inventory, now), ...expiring(inventory, now)];
}

function audit(inventory: Inventory, now: Date): Finding[] {
  const { entries } = inventory.audit.verify();
  const findings: Finding[] = [
    { level: "ok", check: "audit", message: `the audit log verifies, ${entries} entries` },
  ];
  const [last] = inventory.audit.entries({ from: entries });
  if (last !== undefined && last.at.getTime() > now.getTime() + clockToleranceMs) {
    findings.push({
      level: "error",
      check: "clock",
      message: `the clock says ${now.toISOString()}, but the audit log goes to ${last.at.toISOString()}`,
      next: "set the clock: expiry is judged by it",
    });
  } else {
    findings.push({
      level: "ok",
      check: "clock",
      message: `${now.toISOString()}, behind nothing that was recorded`,
    });
  }
  return findings;
}

/** Devices whose last good certificate ends soon: a newer one beside it makes an old one no concern. */
function expiring(inventory: Inventory, now: Date): Finding[] {
  const soon = new Date(now.getTime() + soonDays * dayMs);
  const ids = new Set<string>();
  for (const row of inventory.expiringCertificates(soon)) {
    if (isConcern(inventory, row, soon)) ids.add(row.identityId);
  }
  if (ids.size === 0) {
    return [
      { level: "ok", check: "expiry", message: `no device's certificate ends within ${soonDays} days` },
    ];
  }
  const some = [...ids].slice(0, 5).join(", ");
  return [
    {
      level: "warning",
      check: "expiry",
      message: `${ids.size} devices or operators have no certificate beyond the next ${soonDays} days: ${some}${ids.size > 5 ? ", …" : ""}`,
      next: "`sallyport device renew <id>` each of them, or revoke what is gone",
    },
  ];
}

function isConcern(inventory: Inventory, row: CertificateRow, soon: Date): boolean {
  const kind = row.identityKind;
  if (kind !== "device" && kind !== "operator") return false;
  if (inventory.device(row.identityId, kind)?.status !== "active") return false;
  const good = (other: CertificateRow) =>
    other.revokedAt === undefined && other.notAfter.getTime() >= soon.getTime();
  return !inventory.certificatesOf(row.identityId, kind).some(good);
}
