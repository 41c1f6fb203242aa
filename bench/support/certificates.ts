import { hash } from "node:crypto";
import { join } from "node:path";
import {
  DEFAULT_TRUST_DOMAIN,
  encodePem,
  generatePrivateKey,
  issueCertificate,
  KeySigner,
  Name,
  type ProfileRequest,
  parseCertificate,
  writeFileAtomic,
  writePrivateKeyFile,
} from "../../pki/index.ts";
import { Inventory, type NewCertificate } from "../../pki/inventory/index.ts";
import type { IdentityFiles } from "./raw-client.ts";

/** One small PKI for every broker of a run: P-256 leaves under an issuing CA under a root, inventory included. */
export interface BenchPki {
  readonly directory: string;
  readonly ca: string;
  readonly gateway: { readonly key: string; readonly certificate: string };
  readonly devices: readonly IdentityFiles[];
  readonly operator: IdentityFiles;
}

/** Files as `sallyport device add` leaves them, in a directory of the caller's. */
export async function makeBenchPki(directory: string, deviceCount: number): Promise<BenchPki> {
  const now = new Date();
  const ca = join(directory, "ca.pem");
  const rootKey = new KeySigner(generatePrivateKey("p256"));
  const rootRequest = { publicKey: rootKey.publicKey, subject: Name.of({ CN: "bench root" }), now };
  const root = parseCertificate(await issueCertificate("root", rootRequest, rootKey));
  const issuingKey = new KeySigner(generatePrivateKey("p256"));
  const subject = Name.of({ CN: "bench issuing CA" });
  const issuingRequest = { publicKey: issuingKey.publicKey, issuer: root, subject, now };
  const issuing = parseCertificate(await issueCertificate("issuing", issuingRequest, rootKey));
  writeFileAtomic(ca, encodePem("CERTIFICATE", root.der), 0o644);

  const rows: NewCertificate[] = [];
  const leaf = async (
    profile: "gateway" | "device" | "operator",
    id: string,
    names: Pick<ProfileRequest, "identity" | "serverNames">,
  ): Promise<IdentityFiles> => {
    const privateKey = generatePrivateKey("p256");
    const { publicKey } = new KeySigner(privateKey);
    const der = await issueCertificate(profile, { ...names, publicKey, issuer: issuing, now }, issuingKey);
    const certificate = parseCertificate(der);
    rows.push({
      fingerprint: certificate.fingerprint,
      serialNumber: certificate.serialNumber,
      issuerKeyId: hash("sha256", issuing.subjectPublicKeyInfo),
      identityKind: profile,
      identityId: id,
      profile,
      notBefore: certificate.notBefore,
      notAfter: certificate.notAfter,
      spki: hash("sha256", certificate.subjectPublicKeyInfo),
      der,
    });
    const files = {
      id,
      key: join(directory, `${id}.key.pem`),
      certificate: join(directory, `${id}.cert.pem`),
    };
    writePrivateKeyFile(files.key, privateKey);
    const chain = encodePem("CERTIFICATE", der) + encodePem("CERTIFICATE", issuing.der);
    writeFileAtomic(files.certificate, chain, 0o644);
    return files;
  };

  const gateway = await leaf("gateway", "gateway", { serverNames: ["localhost", "127.0.0.1"] });
  const operator = await leaf("operator", "bench-ops", identity("bench-ops"));
  const devices: IdentityFiles[] = [];
  for (let i = 0; i < deviceCount; i++) {
    const id = `bench-${String(i).padStart(3, "0")}`;
    devices.push(await leaf("device", id, identity(id)));
  }
  record(directory, rows);
  return { directory, ca, gateway, devices, operator };
}

function identity(id: string): Pick<ProfileRequest, "identity"> {
  return { identity: { trustDomain: DEFAULT_TRUST_DOMAIN, id } };
}

function record(directory: string, rows: readonly NewCertificate[]): void {
  const inventory = Inventory.open(directory, { create: true });
  for (const { identityKind: kind, identityId: id } of rows) {
    if (kind === "device" || kind === "operator") inventory.addDevice({ id, kind });
  }
  inventory.recordCertificates(rows);
  inventory.close();
}
