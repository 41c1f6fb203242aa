import type { Inventory } from "../inventory/index.ts";
import { encodePem } from "../pem.ts";
import type { Signer } from "../signer.ts";
import type { Certificate } from "../x509/certificate.ts";
import { authorityKeyIdentifier, cRLNumber } from "../x509/make-extensions.ts";
import { keyIdentifierOf } from "../x509/public-key.ts";
import { signCertificateList } from "../x509/sign.ts";
import { layoutOf } from "./layout.ts";
import { keyId } from "./record.ts";
import { writePublicFile } from "./write-file.ts";

export interface CrlOptions {
  readonly now: Date;
  /** Until nextUpdate; default 30. */
  readonly validityDays?: number;
}

const dayMs = 86_400_000;

/** Signs what this issuer has revoked so far, under the next number, and keeps the list in the inventory. */
export async function signCrl(
  inventory: Inventory,
  issuer: Certificate,
  signer: Signer,
  { now, validityDays = 30 }: CrlOptions,
): Promise<{ readonly number: number; readonly entries: number }> {
  const issuerKeyId = keyId(issuer);
  const nextUpdate = new Date(now.getTime() + validityDays * dayMs);
  // One transaction: a higher number never stands on fewer revocations than a lower one.
  const { taken, revocations } = inventory.transaction(() => ({
    taken: inventory.crlNumbers.take(issuerKeyId, now, nextUpdate),
    revocations: inventory.revoked(issuerKeyId),
  }));
  // RFC 5280 §3.3: an entry stays until it has appeared on a list issued beyond the certificate's validity period.
  const kept = revocations.filter(
    ({ notAfter }) => notAfter.getTime() > now.getTime() - 2 * validityDays * dayMs,
  );
  const keyIdentifier = issuer.subjectKeyIdentifier ?? keyIdentifierOf(issuer.subjectPublicKeyInfo);
  const der = await signCertificateList(
    {
      issuer: issuer.subject,
      thisUpdate: now,
      nextUpdate,
      revoked: kept.map(({ serialNumber, revokedAt, reason }) => ({
        serialNumber,
        revocationDate: revokedAt,
        reason,
      })),
      extensions: [authorityKeyIdentifier(keyIdentifier), cRLNumber(taken.number)],
    },
    signer,
  );
  inventory.transaction(() => {
    inventory.crlNumbers.store({ ...taken, der });
    const details = { number: taken.number, entries: kept.length, nextUpdate: nextUpdate.toISOString() };
    inventory.audit.append({ action: "crl.sign", subject: `ca/${issuerKeyId.slice(0, 16)}`, details });
  });
  return { number: taken.number, entries: kept.length };
}

/** Writes each issuer's newest list to crl.pem. Under the write lock, so an older list never replaces a newer one. */
export function publishCrl(inventory: Inventory, directory: string, issuers: readonly Certificate[]): void {
  inventory.transaction(() => {
    const keyIds = new Set(issuers.map(keyId));
    const lists = [...keyIds].flatMap((id) => inventory.crlNumbers.latest(id) ?? []);
    writePublicFile(layoutOf(directory).crl, lists.map(({ der }) => encodePem("X509 CRL", der)).join(""));
  });
}
