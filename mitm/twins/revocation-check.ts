import { parseCertificate, parseCertificateList, verifySignature } from "../../pki/index.ts";
import type { Holds } from "./server-names.ts";
import { isSame, type TwinPath } from "./twin-path.ts";

/**
 * RFC 5280 §6.3 for each certificate below the anchor, with lists (DER) that its issuer signed. The alert that says what
 * is wrong, if something is: one that was revoked, or of which no list in force says that it was not.
 */
export function revocationAlert(
  path: TwinPath,
  revocationLists: readonly Uint8Array[],
  now: Date,
  holds: Holds,
): "certificate_revoked" | "certificate_unknown" | undefined {
  if (!holds("revocation-ignored")) return undefined;
  const lists = revocationLists.map((der) => parseCertificateList(der));
  const below = path.slice(0, holds("revocation-of-leaf-only") ? -1 : 1);
  for (const [depth, certificate] of below.entries()) {
    const issuer = path[depth + 1];
    if (issuer === undefined) continue;
    const serialNumber = Buffer.from(certificate.serialNumber)
      .toString("hex")
      .replace(/^00(?=.)/, "");
    const usable = lists.filter(
      (list) =>
        isSame(list.issuer.der, certificate.issuer) &&
        (!holds("revocation-list-not-verified") ||
          verifySignature(list, parseCertificate(issuer.der).publicKey)),
    );
    if (usable.some((list) => list.revoked.has(serialNumber))) return "certificate_revoked";
    const inForce = usable.filter(
      ({ nextUpdate }) => !holds("stale-revocation-list-accepted") || (nextUpdate ?? now) >= now,
    );
    if (inForce.length === 0 && holds("revocation-fails-open")) return "certificate_unknown";
  }
  return undefined;
}
