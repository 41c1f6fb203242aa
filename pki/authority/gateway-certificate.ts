import { createPublicKey } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { issueCertificate } from "../issue.ts";
import { generatePrivateKey, type KeyAlgorithm, writePrivateKeyFile } from "../keys.ts";
import type { Signer } from "../signer.ts";
import { type Certificate, parseCertificate, parseCertificates } from "../x509/certificate.ts";
import type { AuthorityParts } from "./authority.ts";
import { certificatesPem, defaultGatewayNames, presented } from "./create.ts";
import { layoutOf } from "./layout.ts";
import { rowOf } from "./record.ts";
import { writePublicFile } from "./write-file.ts";

export interface GatewayRequest {
  /** DNS names and IP addresses; default those of the certificate that is replaced. */
  readonly names?: readonly string[];
  /** A new key of this kind. Default: the key stays, and with it the pins that devices hold. */
  readonly newKey?: KeyAlgorithm;
  readonly validityDays?: number;
}

/**
 * Replaces gateway.cert.pem in one step. A new key waits in a file of its own until its certificate is in place, so
 * whatever happens in between, `openAuthority` can tell which key belongs to the certificate.
 */
export async function replaceGatewayCertificate(
  { directory, root, chain, inventory, now }: AuthorityParts,
  signer: Signer,
  request: GatewayRequest,
): Promise<Certificate> {
  const files = layoutOf(directory);
  const current = existsSync(files.gatewayCertificate)
    ? parseCertificates(readFileSync(files.gatewayCertificate, "utf8"))[0]
    : undefined;
  const algorithm = request.newKey ?? (current === undefined ? "p256" : undefined);
  const newKey = algorithm === undefined ? undefined : generatePrivateKey(algorithm);
  const publicKey = newKey === undefined ? current?.publicKey : createPublicKey(newKey);
  if (publicKey === undefined) throw new Error("unreachable: without a certificate there is a new key");
  const [issuer] = chain;
  const validity = request.validityDays === undefined ? {} : { validityDays: request.validityDays };
  const serverNames = request.names ?? (current === undefined ? defaultGatewayNames : serverNamesOf(current));
  const der = await issueCertificate(
    "gateway",
    { publicKey, issuer, serverNames, now: now(), ...validity },
    signer,
  );
  const certificate = parseCertificate(der);
  const row = rowOf(certificate, issuer, "gateway", { kind: "gateway", id: "gateway" });
  inventory.recordCertificates([row], current === undefined ? "certificate.issue" : "certificate.renew");
  if (newKey !== undefined) writePrivateKeyFile(files.gatewayNextKey, newKey);
  writePublicFile(files.gatewayCertificate, certificatesPem([certificate, ...presented(chain, root)]));
  if (newKey !== undefined) renameSync(files.gatewayNextKey, files.gatewayKey);
  return certificate;
}

function serverNamesOf(certificate: Certificate): string[] {
  return (certificate.subjectAltName ?? []).flatMap((name) => {
    if (name.type === "dNSName") return [name.value];
    return name.type === "iPAddress" ? [ipAddressText(name.value)] : [];
  });
}

function ipAddressText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  const groups = Array.from({ length: 8 }, (_, n) =>
    Buffer.from(octets)
      .readUInt16BE(2 * n)
      .toString(16),
  );
  return groups.join(":");
}
