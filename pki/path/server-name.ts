import { isIP } from "node:net";
import { PkiError } from "../errors.ts";
import { sameBytes } from "../same-bytes.ts";
import type { Certificate } from "../x509/certificate.ts";
import { ipAddressOctets } from "../x509/ip-address.ts";
import { describe, quote } from "./describe.ts";
import { isDnsName, normaliseDnsName } from "./names.ts";

/**
 * RFC 9525 §6: the leaf must present `serverName` in its subjectAltName. The common name is never looked at: a CN-ID
 * is no identifier of a service any more (RFC 9525 §2).
 * @param serverName a DNS name (A-labels only) or an IPv4/IPv6 literal without brackets or zone
 * @throws PkiError PKI_PATH_NAME_MISMATCH
 */
export function checkServerName(leaf: Certificate, serverName: string): void {
  const names = leaf.subjectAltName ?? [];
  if (isIP(serverName) !== 0) {
    // RFC 9525 §6.4: an IP-ID matches an iPAddress byte for byte; a dNSName, wildcard or not, never stands for it.
    const wanted = ipAddressOctets(serverName);
    const found = names.some(
      (name) => name.type === "iPAddress" && wanted !== undefined && sameBytes(name.value, wanted),
    );
    if (found) return;
    throw mismatch(leaf, serverName);
  }
  const reference = normaliseDnsName(serverName.endsWith(".") ? serverName.slice(0, -1) : serverName);
  if (!isDnsName(reference)) {
    throw new PkiError(
      "PKI_PATH_NAME_MISMATCH",
      `${quote(serverName)} is neither a DNS name in A-labels nor an IP address; no certificate can match it`,
    );
  }
  for (const name of names) {
    if (name.type === "dNSName" && matchesDnsName(name.value, reference)) return;
  }
  throw mismatch(leaf, serverName);
}

/**
 * RFC 9525 §6.3: labels compare case-insensitively and whole; `*` may stand for exactly one label, the
 * left-most, and only as that whole label.
 */
function matchesDnsName(presented: string, reference: string): boolean {
  const pattern = normaliseDnsName(presented);
  if (!pattern.startsWith("*.")) return pattern === reference;
  const suffix = pattern.slice(2);
  // A wildcard over a single label (`*.com`, `*.local`) would cover a whole top-level domain.
  if (!isDnsName(suffix) || !suffix.includes(".")) return false;
  return reference.slice(reference.indexOf(".") + 1) === suffix;
}

function mismatch(leaf: Certificate, serverName: string): PkiError {
  const presented = (leaf.subjectAltName ?? [])
    .filter((name) => name.type === "dNSName" || name.type === "iPAddress")
    .slice(0, 8)
    .map((name) => (name.type === "dNSName" ? quote(name.value) : "an IP address"));
  const has = presented.length === 0 ? "no DNS name or IP address" : presented.join(", ");
  return new PkiError(
    "PKI_PATH_NAME_MISMATCH",
    `certificate of ${describe(leaf)} is not for ${quote(serverName)}: its subjectAltName has ${has} ` +
      "(a common name does not count)",
  );
}
