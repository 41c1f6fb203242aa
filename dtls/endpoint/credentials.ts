import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { KeySigner, schemesOfSigner } from "../crypto/signature.ts";
import { DtlsError } from "../errors.ts";
import type { Credential } from "../signer.ts";
import type { CredentialQuestion, Pem, PemCredential } from "./options.ts";

/** A certificate chain with the key of its first certificate. @throws DtlsError DTLS_OPTIONS_INVALID */
export function certificateCredential({ cert, key, passphrase }: PemCredential): Credential {
  const chain = readCertificates(cert, "cert");
  const privateKey = readKey(key, passphrase);
  const [leaf] = chain;
  if (leaf === undefined) throw invalid("cert holds no certificate in PEM form");
  if (!leaf.checkPrivateKey(privateKey)) {
    throw invalid("key does not fit the first certificate of cert, which must be that of this side");
  }
  return {
    certificateType: "X509",
    chain: chain.map(({ raw }) => Uint8Array.from(raw)),
    signer: new KeySigner(privateKey),
  };
}

/** RFC 7250: the public key alone, without a certificate around it. @throws DtlsError DTLS_OPTIONS_INVALID */
export function rawPublicKeyCredential({ key, passphrase }: Omit<PemCredential, "cert">): Credential {
  const privateKey = readKey(key, passphrase);
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return {
    certificateType: "RawPublicKey",
    chain: [Uint8Array.from(spki)],
    signer: new KeySigner(privateKey),
  };
}

/** The first of several that the other side can use. */
export function chooseCredential(
  credentials: readonly Credential[],
  { certificateTypes, signatureSchemes }: CredentialQuestion,
): Credential | undefined {
  return credentials.find(
    ({ certificateType, signer }) =>
      certificateTypes.includes(certificateType) &&
      schemesOfSigner(signer).some((scheme) => signatureSchemes.includes(scheme)),
  );
}

export function isCredential(value: unknown): value is Credential {
  return (
    typeof value === "object" &&
    value !== null &&
    "certificateType" in value &&
    (value.certificateType === "X509" || value.certificateType === "RawPublicKey") &&
    "chain" in value &&
    Array.isArray(value.chain) &&
    value.chain.length > 0 &&
    value.chain.every((der) => der instanceof Uint8Array) &&
    "signer" in value &&
    typeof value.signer === "object" &&
    value.signer !== null &&
    "sign" in value.signer &&
    typeof value.signer.sign === "function"
  );
}

/** PEM text, one or several. @throws DtlsError DTLS_OPTIONS_INVALID, naming the option */
export function readCertificates(pem: Pem, option: string): readonly X509Certificate[] {
  const blocks =
    textOf(pem, option).match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw invalid(`${option} holds no certificate in PEM form`);
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new DtlsError("DTLS_OPTIONS_INVALID", `${option} holds a certificate that cannot be parsed`, {
        cause,
      });
    }
  });
}

function readKey(pem: Pem, passphrase: string | undefined): KeyObject {
  const text = textOf(pem, "key");
  try {
    return createPrivateKey(passphrase === undefined ? text : { key: text, passphrase });
  } catch {
    // No cause: what OpenSSL says about a text that was meant to be a key stays here.
    throw invalid("key holds no private key in PEM form, or the passphrase is missing or wrong");
  }
}

function textOf(pem: Pem, option: string): string {
  if (typeof pem === "string") return pem;
  if (pem instanceof Uint8Array) return Buffer.from(pem).toString("latin1");
  throw invalid(`${option} must be PEM, as text or bytes`);
}

function invalid(message: string): DtlsError {
  return new DtlsError("DTLS_OPTIONS_INVALID", message);
}
