import { PkiError } from "../errors.ts";
import { issueCertificate } from "../issue.ts";
import type { Signer } from "../signer.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import type { AuthorityParts } from "./authority.ts";
import { certificatesPem } from "./create.ts";
import { layoutOf } from "./layout.ts";
import { rowOf } from "./record.ts";
import { writePublicFile } from "./write-file.ts";

/** A new certificate for the issuing CA's key, with the old one's name and constraints, in issuing.cert.pem. */
export async function renewIssuingCertificate(
  { directory, root, chain, inventory, now }: AuthorityParts,
  rootSigner: Signer,
  validityDays: number | undefined,
): Promise<Certificate> {
  const [current] = chain;
  if (current.fingerprint === root.fingerprint || chain.length > 1) {
    throw new PkiError("PKI_PROFILE", "this issuing CA was imported: whoever made it renews it");
  }
  const { publicKey, subject, nameConstraints } = current;
  const der = await issueCertificate(
    "issuing",
    {
      publicKey,
      issuer: root,
      subject,
      now: now(),
      ...(nameConstraints === undefined ? {} : { nameConstraints }),
      ...(validityDays === undefined ? {} : { validityDays }),
    },
    rootSigner,
  );
  const renewed = parseCertificate(der);
  inventory.recordCertificates(
    [rowOf(renewed, root, "issuing", { kind: "ca", id: "issuing" })],
    "certificate.renew",
  );
  writePublicFile(layoutOf(directory).issuingCertificate, certificatesPem([renewed]));
  return renewed;
}
