import { createPublicKey, type KeyObject } from "node:crypto";
import { PkiError } from "../errors.ts";
import { generatePrivateKey, type KeyAlgorithm } from "../keys.ts";
import { decodePem } from "../pem.ts";
import { parseCertificateRequest, verifyProofOfPossession } from "../x509/certificate-request.ts";
import { canonicalKey } from "./record.ts";
import { requireStrongKey } from "./strong-keys.ts";

/** Whose key goes into a certificate: one of these, or a new one made here (of `keyAlgorithm`, default p256). */
export interface KeySource {
  /** A certificate request, PEM or DER. Its key must have signed it; its names and extensions are ignored. */
  readonly csr?: string | Uint8Array;
  /** A key whose possession the caller has seen proven. */
  readonly publicKey?: KeyObject;
  readonly keyAlgorithm?: KeyAlgorithm;
}

export interface SubjectKey {
  readonly publicKey: KeyObject;
  /** Present when it was made here: it goes to the device and is not kept. */
  readonly privateKey?: KeyObject;
}

/**
 * The key that a certificate is asked for. Throws PKI_CSR_PROOF_OF_POSSESSION, PKI_CSR_MALFORMED, PKI_DER_*,
 * PKI_PEM_MALFORMED, PKI_PUBLIC_KEY_WEAK, PKI_PUBLIC_KEY_INVALID.
 */
export function subjectKey(source: KeySource): SubjectKey {
  if (source.csr !== undefined) return { publicKey: provenKey(source.csr) };
  if (source.publicKey !== undefined) {
    const publicKey = canonicalKey(source.publicKey);
    requireStrongKey(publicKey);
    return { publicKey };
  }
  const privateKey = generatePrivateKey(source.keyAlgorithm ?? "p256");
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

function provenKey(csr: string | Uint8Array): KeyObject {
  const request = parseCertificateRequest(typeof csr === "string" ? requestFromPem(csr) : csr);
  const publicKey = canonicalKey(request.publicKey);
  requireStrongKey(publicKey);
  verifyProofOfPossession(request);
  return publicKey;
}

function requestFromPem(text: string): Uint8Array {
  const blocks = decodePem(text).filter(({ label }) => /^(?:NEW )?CERTIFICATE REQUEST$/.test(label));
  const [block] = blocks;
  if (block === undefined || blocks.length > 1) {
    throw new PkiError(
      "PKI_PEM_MALFORMED",
      `${blocks.length} certificate requests in the text: one is wanted`,
    );
  }
  return block.der;
}
