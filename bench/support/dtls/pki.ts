import { writeFileSync } from "node:fs";
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
} from "../../../pki/index.ts";

/** Files for one run: P-256 throughout, every leaf directly under the trust anchor, so that each side verifies one chain of one. */
export interface DtlsPki {
  readonly directory: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** For the load generator: a certificate file and a key file on each line. */
  readonly identities: string;
}

/** The name that the server's certificate has and that the clients expect. */
export const serverName = "localhost";

/** @param devices client certificates, which the clients use in turn: a server that remembers chains sees each rarely */
export async function makeDtlsPki(directory: string, devices: number): Promise<DtlsPki> {
  const now = new Date();
  const rootSigner = new KeySigner(generatePrivateKey("p256"));
  const subject = Name.of({ CN: "bench root" });
  const root = parseCertificate(
    await issueCertificate("root", { publicKey: rootSigner.publicKey, subject, now }, rootSigner),
  );
  const ca = join(directory, "ca.pem");
  writeFileAtomic(ca, encodePem("CERTIFICATE", root.der), 0o644);

  const leaf = async (
    profile: "gateway" | "device",
    id: string,
    names: Pick<ProfileRequest, "identity" | "serverNames">,
  ) => {
    const privateKey = generatePrivateKey("p256");
    const { publicKey } = new KeySigner(privateKey);
    const der = await issueCertificate(profile, { ...names, publicKey, issuer: root, now }, rootSigner);
    const key = join(directory, `${id}.key.pem`);
    const certificate = join(directory, `${id}.cert.pem`);
    writePrivateKeyFile(key, privateKey);
    writeFileSync(certificate, encodePem("CERTIFICATE", der));
    return { certificate, key };
  };

  const server = await leaf("gateway", "gateway", { serverNames: [serverName] });
  const lines: string[] = [];
  for (let i = 0; i < devices; i++) {
    const id = `bench-${String(i).padStart(5, "0")}`;
    const { certificate, key } = await leaf("device", id, {
      identity: { trustDomain: DEFAULT_TRUST_DOMAIN, id },
    });
    lines.push(`${certificate} ${key}\n`);
  }
  const identities = join(directory, "identities");
  writeFileSync(identities, lines.join(""));
  return { directory, ca, ...server, identities };
}
