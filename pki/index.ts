/** The public side of the PKI: reading, checking and building certificates. What holds CA keys is `pki/authority/`. */

export { NO_EXPIRY } from "./der/time.ts";
export { PkiError, type PkiErrorCode, pkiErrors } from "./errors.ts";
export { readBoundedFile, writeFileAtomic } from "./files.ts";
export {
  DEFAULT_TRUST_DOMAIN,
  type Identity,
  type IdentityKind,
  identityUri,
  isValidIdentityName,
  isValidTrustDomain,
  readIdentity,
} from "./identity.ts";
export {
  type AuditEntry,
  type AuditHead,
  type AuditLog,
  type CertificateRow,
  type CrlNumber,
  type CrlNumbers,
  type DeviceFilter,
  type DeviceRow,
  type HolderKind,
  Inventory,
  type InventoryOptions,
  isRevocationReason,
  type JsonValue,
  type NewAuditEntry,
  type NewCertificate,
  type NewDevice,
  type Revocation,
  type RevocationReason,
  revocationReasons,
  type StoredCrl,
} from "./inventory/index.ts";
export { isServerName, issueCertificate, type ProfileRequest, randomSerialNumber } from "./issue.ts";
export {
  decodePrivateKey,
  encodePrivateKey,
  generatePrivateKey,
  type KeyAlgorithm,
  keyAlgorithms,
  type PrivateKeyOptions,
  readPrivateKeyFile,
  writePrivateKeyFile,
} from "./keys.ts";
export {
  defaultPathLimits,
  type PathLimits,
  type PathOptions,
  type PathPurpose,
  type RevocationMode,
  ValidatedPath,
  validatePath,
} from "./path/index.ts";
export { decodePem, encodePem, type PemBlock } from "./pem.ts";
export { spkiPin } from "./pin.ts";
export { decodePkcs12, type Pkcs12Contents } from "./pkcs12/decode.ts";
export { encodePkcs12, type Pkcs12Options } from "./pkcs12/encode.ts";
export { BACKDATE_MINUTES, type Profile, type ProfileName, profiles } from "./profiles.ts";
export { KeySigner, type Signer } from "./signer.ts";
export { type Signed, verifySignature } from "./x509/algorithms.ts";
export { Certificate, parseCertificate, parseCertificates } from "./x509/certificate.ts";
export {
  CertificateList,
  CRLReason,
  parseCertificateList,
  type RevokedCertificate,
} from "./x509/certificate-list.ts";
export {
  CertificateRequest,
  parseCertificateRequest,
  verifyProofOfPossession,
} from "./x509/certificate-request.ts";
export type { BasicConstraints, KeyUsage, NameConstraints, RawExtension } from "./x509/extensions.ts";
export type { GeneralName } from "./x509/general-name.ts";
export * as makeExtension from "./x509/make-extensions.ts";
export { Name, type NameAttribute, type NameFields } from "./x509/name.ts";
export { AttributeType, ExtendedKeyUsage, Extension } from "./x509/oids.ts";
export {
  assertAcceptablePublicKey,
  exportPublicKey,
  importPublicKey,
  keyIdentifierOf,
} from "./x509/public-key.ts";
export {
  type CertificateFields,
  type CertificateListFields,
  type CertificateRequestFields,
  signCertificate,
  signCertificateList,
  signCertificateRequest,
} from "./x509/sign.ts";
