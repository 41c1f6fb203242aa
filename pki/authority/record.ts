import { createPublicKey, hash, type KeyObject } from "node:crypto";
import type { HolderKind, NewCertificate } from "../inventory/index.ts";
import type { ProfileName } from "../profiles.ts";
import type { Certificate } from "../x509/certificate.ts";
import { exportPublicKey } from "../x509/public-key.ts";

/** Lower-case hex SHA-256 over the SubjectPublicKeyInfo: how the inventory names a key. */
export function keyId(key: KeyObject | Certificate): string {
  return hash("sha256", "subjectPublicKeyInfo" in key ? key.subjectPublicKeyInfo : exportPublicKey(key));
}

/**
 * The same key in its one usual encoding. An EC point may be written in a compressed form too, and a key must not
 * pass for a new one because it is spelled differently.
 */
export function canonicalKey(publicKey: KeyObject): KeyObject {
  const { asymmetricKeyType: type } = publicKey;
  if (type !== "ec" && type !== "rsa") return publicKey;
  return createPublicKey({ key: publicKey.export({ format: "jwk" }), format: "jwk" });
}

/** The inventory's row for a certificate. */
export function rowOf(
  certificate: Certificate,
  issuer: Certificate,
  profile: ProfileName,
  holder: { readonly kind: HolderKind; readonly id: string },
): NewCertificate {
  return {
    fingerprint: certificate.fingerprint,
    serialNumber: certificate.serialNumber,
    issuerKeyId: keyId(issuer),
    identityKind: holder.kind,
    identityId: holder.id,
    profile,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    spki: keyId(certificate),
    der: certificate.der,
  };
}
