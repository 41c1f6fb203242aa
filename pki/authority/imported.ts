import { createPublicKey, type KeyObject } from "node:crypto";
import { readRsaPkcs12 } from "../compat/rsa-pkcs12.ts";
import { PkiError } from "../errors.ts";
import { verifySignature } from "../x509/algorithms.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import { ExtendedKeyUsage } from "../x509/oids.ts";
import { requireStrongKey } from "./strong-keys.ts";

export interface ImportOptions {
  /** The PKCS#12 file: the CA's RSA key, its certificate, and the chain up to its root. */
  readonly pkcs12: Uint8Array;
  readonly pkcs12Passphrase?: string;
}

/** A CA from elsewhere that was found fit for use. */
export interface ImportedAuthority {
  readonly privateKey: KeyObject;
  readonly certificate: Certificate;
  /** Itself, or what the chain in the file leads to. */
  readonly root: Certificate;
  /** The CA and what lies between it and the root. */
  readonly chain: readonly Certificate[];
  readonly actsAsRoot: boolean;
  /** Whether its pathLenConstraint lets it sign an issuing CA. */
  readonly mayHaveIssuing: boolean;
}

/** Reads and checks a CA. Throws PKI_IMPORT_REFUSED and says what is wrong with it; PKI_PKCS12_*, PKI_WRONG_PASSPHRASE. */
export function readImportedAuthority(options: ImportOptions, now: Date): ImportedAuthority {
  const { privateKey, certificates } = readRsaPkcs12(options.pkcs12, options.pkcs12Passphrase);
  const publicKey = createPublicKey(privateKey);
  requireStrongKey(publicKey);
  const parsed = certificates.map(parseOrRefuse);
  const certificate = parsed.find((one) => one.publicKey.equals(publicKey));
  if (certificate === undefined) throw refused("no certificate in the file belongs to its key");
  requireCa(certificate, now);
  const chain = chainUp(certificate, parsed, now);
  const root = chain.at(-1) ?? certificate;
  const actsAsRoot = root === certificate;
  const pathLength = certificate.basicConstraints?.pathLenConstraint;
  return {
    privateKey,
    certificate,
    root,
    chain: actsAsRoot ? [certificate] : chain.slice(0, -1),
    actsAsRoot,
    mayHaveIssuing: pathLength === undefined || pathLength > 0,
  };
}

/** From the CA to a self-signed certificate, every signature checked. */
function chainUp(certificate: Certificate, others: readonly Certificate[], now: Date): Certificate[] {
  const chain = [certificate];
  let last = certificate;
  while (!last.isSelfIssued) {
    const child = last;
    const issuer = others.find(
      (one) => one.subject.equals(child.issuer) && !chain.includes(one) && signed(child, one),
    );
    if (issuer === undefined) {
      const advice = "export it again with its whole chain (openssl pkcs12 -export -certfile chain.pem)";
      throw refused(`the issuer of ${last.subject.toString()} is not in the file: ${advice}`);
    }
    requireCa(issuer, now);
    const below = chain.length - 1;
    const allowed = issuer.basicConstraints?.pathLenConstraint;
    if (allowed !== undefined && allowed < below)
      throw refused(`${issuer.subject.toString()} allows ${allowed} CAs below it`);
    chain.push(issuer);
    last = issuer;
  }
  if (!signed(last, last))
    throw refused(`${last.subject.toString()} names itself as its issuer, but did not sign itself`);
  return chain;
}

function requireCa(certificate: Certificate, now: Date): void {
  const name = certificate.subject.toString();
  // RFC 5280 §4.2.1.9: without the cA boolean the key must not be used to verify certificate signatures.
  if (certificate.basicConstraints?.ca !== true)
    throw refused(`${name} is no CA: its basicConstraints do not say cA`);
  // RFC 5280 §4.2.1.3: keyUsage, when present, must assert keyCertSign for a CA, and cRLSign to sign its lists.
  const usage = certificate.keyUsage;
  if (usage !== undefined && !usage.has("keyCertSign"))
    throw refused(`${name} may not sign certificates (keyUsage)`);
  if (usage !== undefined && !usage.has("cRLSign"))
    throw refused(`${name} may not sign revocation lists (keyUsage)`);
  if (now < certificate.notBefore)
    throw refused(`${name} is not valid before ${certificate.notBefore.toISOString()}`);
  if (now > certificate.notAfter) throw refused(`${name} expired on ${certificate.notAfter.toISOString()}`);
  const purposes = certificate.extendedKeyUsage;
  const wanted = [ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth];
  if (
    purposes !== undefined &&
    !purposes.includes(anyExtendedKeyUsage) &&
    !wanted.every((one) => purposes.includes(one))
  ) {
    throw refused(`${name} may not stand above client and server certificates (extendedKeyUsage)`);
  }
  if (certificate.nameConstraints !== undefined) {
    throw refused(`${name} has name constraints, which do not fit identity URIs: use a CA without them`);
  }
}

const anyExtendedKeyUsage = "2.5.29.37.0";

function signed(child: Certificate, issuer: Certificate): boolean {
  try {
    return verifySignature(child, issuer.publicKey);
  } catch (error) {
    if (error instanceof PkiError) return false;
    throw error;
  }
}

function parseOrRefuse(der: Uint8Array): Certificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    throw new PkiError(
      "PKI_IMPORT_REFUSED",
      "a certificate in the file cannot be read: make the file again",
      { cause },
    );
  }
}

function refused(why: string): PkiError {
  return new PkiError("PKI_IMPORT_REFUSED", why);
}
