import { hash, KeyObject } from "node:crypto";
import { Certificate } from "./x509/certificate.ts";
import { exportPublicKey } from "./x509/public-key.ts";

/** `sha256/<base64>` of the SHA-256 over the DER SubjectPublicKeyInfo (of a certificate, a key, or given as it is). */
export function spkiPin(subject: Certificate | KeyObject | Uint8Array): string {
  const subjectPublicKeyInfo =
    subject instanceof Certificate
      ? subject.subjectPublicKeyInfo
      : subject instanceof KeyObject
        ? exportPublicKey(subject)
        : subject;
  return `sha256/${hash("sha256", subjectPublicKeyInfo, "base64")}`;
}
