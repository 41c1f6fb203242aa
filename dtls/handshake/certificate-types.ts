import { publicKeyOfCertificate, publicKeyOfSpki } from "../crypto/public-key.ts";
import { DtlsError } from "../errors.ts";
import type { Credential } from "../signer.ts";
import { Certificate, RawPublicKeyCertificate } from "../wire/certificate.ts";
import { decode, encode } from "../wire/presentation.ts";
import { CertificateType } from "../wire/registry.ts";
import type { ClaimedKey } from "./peer.ts";

export type CertificateTypeName = "X509" | "RawPublicKey";

/** More certificates than any honest chain has. */
const mostCertificates = 10;

/** RFC 7250 §4.2: the first of ours that the other side has too; without the extension it is X.509 alone. */
export function chooseCertificateType(
  ours: readonly CertificateTypeName[],
  theirs: readonly number[] | undefined,
): CertificateTypeName | undefined {
  const offered = theirs ?? [CertificateType.X509];
  return ours.find((type) => offered.includes(CertificateType[type]));
}

export function certificateTypeName(type: number): CertificateTypeName {
  if (type === CertificateType.X509) return "X509";
  if (type === CertificateType.RawPublicKey) return "RawPublicKey";
  throw new DtlsError("DTLS_ILLEGAL_PARAMETER", `certificate type ${type} was not offered`);
}

/**
 * The body of a Certificate message; undefined when it is empty, as of a client that has none (RFC 5246 §7.4.6).
 * The public key is parsed, nothing about it is believed.
 */
export function readCertificate(type: CertificateTypeName, body: Uint8Array): ClaimedKey | undefined {
  if (type === "RawPublicKey") {
    // RFC 7250 §3: a client without a key sends an empty structure, three bytes of length.
    if (body.length === 3 && body.every((byte) => byte === 0)) return undefined;
    const spki = Uint8Array.from(decode("Certificate", RawPublicKeyCertificate, body));
    return { certificateType: type, chain: [spki], publicKey: publicKeyOfSpki(spki) };
  }
  const { certificateList } = decode("Certificate", Certificate, body);
  const [leaf] = certificateList;
  if (leaf === undefined) return undefined;
  if (certificateList.length > mostCertificates) {
    throw new DtlsError(
      "DTLS_BAD_CERTIFICATE",
      `the peer sent ${certificateList.length} certificates, at most ${mostCertificates} are looked at`,
    );
  }
  return { certificateType: type, chain: certificateList, publicKey: publicKeyOfCertificate(leaf) };
}

/** The same for all peers that a credential is shown to. */
const written = new WeakMap<Credential, Uint8Array>();

/** The body of our Certificate message; empty where there is nothing to show. */
export function writeCertificate(credential: Credential | undefined): Uint8Array {
  if (credential === undefined) return new Uint8Array(3);
  let body = written.get(credential);
  if (body === undefined) {
    const [first = new Uint8Array()] = credential.chain;
    body =
      credential.certificateType === "RawPublicKey"
        ? encode(RawPublicKeyCertificate, first)
        : encode(Certificate, { certificateList: credential.chain });
    written.set(credential, body);
  }
  return body;
}
