/** Every failure that pki/ reports. The text says what the code means, and is what the reference manual prints. */
export const pkiErrors = {
  PKI_DER_TRUNCATED: "the bytes end inside a value",
  PKI_DER_LENGTH: "a length is indefinite, not minimal, or larger than what is left",
  PKI_DER_TAG: "another tag was expected here, or the tag is one that X.509 does not use",
  PKI_DER_VALUE: "a value is not what DER allows for its type",
  PKI_DER_TRAILING: "there are bytes after the end of the structure",
  PKI_DER_LIMIT: "the structure is larger or deeper than this reader accepts",
  PKI_PEM_MALFORMED: "the text is not PEM, or holds no block of the wanted kind",
  PKI_CERTIFICATE_MALFORMED: "the certificate breaks a rule of RFC 5280",
  PKI_CSR_MALFORMED: "the certificate request breaks a rule of RFC 2986",
  PKI_CSR_PROOF_OF_POSSESSION: "the certificate request is not signed by the key that it names",
  PKI_CRL_MALFORMED: "the revocation list breaks a rule of RFC 5280",
  PKI_ALGORITHM_UNSUPPORTED: "this signature or key algorithm is not accepted, or not known to this runtime",
  PKI_SIGNATURE_INVALID: "the signature does not verify",
  PKI_PUBLIC_KEY_INVALID: "the public key cannot be read",
  PKI_PUBLIC_KEY_WEAK: "the public key is shorter than accepted, or of a kind that is not accepted",
  PKI_KEY_FILE: "the private key file cannot be read",
  PKI_KEY_PERMISSIONS: "others than the owner may read the private key file",
  PKI_PASSPHRASE_REQUIRED: "the private key is encrypted and no passphrase was given",
  PKI_WRONG_PASSPHRASE: "the passphrase does not open the private key",
  PKI_PKCS12_MALFORMED: "the PKCS#12 file cannot be read",
  PKI_PKCS12_UNSUPPORTED: "the PKCS#12 file uses an algorithm that is not accepted here",
  PKI_IDENTITY_NAME: "the id is not one that a device or operator may have",
  PKI_IDENTITY_MISSING: "the certificate names no device and no operator",
  PKI_IDENTITY_AMBIGUOUS: "the certificate has more than one subjectAltName",
  PKI_IDENTITY_MALFORMED: "the subjectAltName is not a canonical identity URI",
  PKI_PROFILE: "the request does not fit the certificate profile",
  PKI_PATH_MALFORMED: "the chain cannot be used for path validation",
  PKI_PATH_EXPIRED: "a certificate of the path has expired",
  PKI_PATH_NOT_YET_VALID: "a certificate of the path is not valid yet",
  PKI_PATH_UNKNOWN_ISSUER: "no path leads to a trust anchor",
  PKI_PATH_SELF_SIGNED: "the certificate is self-signed and no trust anchor",
  PKI_PATH_BAD_SIGNATURE: "a signature of the path does not verify",
  PKI_PATH_NOT_A_CA: "an issuer of the path is no certification authority",
  PKI_PATH_LENGTH: "the path is longer than a pathLenConstraint allows",
  PKI_PATH_KEY_USAGE: "keyUsage does not allow this use",
  PKI_PATH_EXTENDED_KEY_USAGE: "extendedKeyUsage does not allow this use",
  PKI_PATH_NAME_CONSTRAINTS: "a name is outside what an issuer of the path may name",
  PKI_PATH_UNKNOWN_CRITICAL_EXTENSION: "a critical extension is not understood",
  PKI_PATH_REVOKED: "a certificate of the path has been revoked",
  PKI_PATH_CRL_MISSING: "no usable revocation list covers a certificate of the path",
  PKI_PATH_CRL_EXPIRED: "the revocation list is out of date",
  PKI_PATH_WEAK_ALGORITHM: "the path uses a key or signature algorithm that is too weak",
  PKI_PATH_NAME_MISMATCH: "the certificate is not for this server name",
  PKI_PATH_WORK_LIMIT: "validating the path takes more work than allowed",
  PKI_PATH_LEAF_IS_CA: "the end-entity certificate is a CA certificate",
  PKI_INVENTORY_MISSING: "there is no inventory in this directory",
  PKI_INVENTORY_CORRUPT: "the inventory is damaged, or is a database of another program",
  PKI_INVENTORY_VERSION: "the inventory has a schema that this program does not know",
  PKI_INVENTORY_PERMISSIONS: "others than the owner may write to the inventory",
  PKI_INVENTORY_FULL: "the disk is full, nothing was recorded",
  PKI_INVENTORY_READ_ONLY: "the inventory cannot be written",
  PKI_INVENTORY_BUSY: "another process holds the inventory for too long",
  PKI_INVENTORY_IO: "the inventory cannot be read or written",
  PKI_AUDIT_BROKEN: "the audit log was changed after it was written",
  PKI_DEVICE_EXISTS: "the id belongs to another device or operator",
  PKI_DEVICE_UNKNOWN: "no device or operator has this id",
  PKI_DEVICE_RETIRED: "the device or operator is retired",
  PKI_CERTIFICATE_UNKNOWN: "the inventory knows no such certificate",
  PKI_CERTIFICATE_REVOKED: "the certificate has been revoked",
  PKI_DUPLICATE_KEY: "the public key belongs to another identity, or was compromised",
  PKI_DUPLICATE_SERIAL: "the issuer has already used this serial number",
  PKI_AUTHORITY_EXISTS: "the directory holds an authority, or other files",
  PKI_AUTHORITY_MISSING: "the directory holds no authority",
  PKI_AUTHORITY_DAMAGED: "the files of the authority do not fit together",
  PKI_FILE_WRITE: "a file of the authority cannot be written",
  PKI_ROOT_KEY_ABSENT: "the root key is needed and is not in the directory",
  PKI_IMPORT_REFUSED: "the certification authority to import is not fit for use",
} as const satisfies Record<string, string>;

export type PkiErrorCode = keyof typeof pkiErrors;

/** The one error class of this folder. Callers match `code`, which is stable; the message is for people. */
export class PkiError extends Error {
  override readonly name = "PkiError";
  readonly code: PkiErrorCode;

  constructor(code: PkiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
