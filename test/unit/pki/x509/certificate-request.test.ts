import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  bitString,
  constructed,
  type DerNode,
  encode,
  encoded,
  explicit,
  integer,
  nullValue,
  objectIdentifier,
  sequence,
  setOf,
  utf8String,
} from "../../../../pki/der/writer.ts";
import {
  CertificateRequest,
  exportPublicKey,
  generatePrivateKey,
  KeySigner,
  keyAlgorithms,
  makeExtension,
  Name,
  parseCertificateRequest,
  signCertificateRequest,
  verifyProofOfPossession,
} from "../../../../pki/index.ts";
import { ecdsaWithSha256 } from "../../../support/forge-certificate.ts";
import { pkiErrorCode } from "../../../support/pki-error-code.ts";

const signer = new KeySigner(generatePrivateKey("p256"));
const subject = Name.of({ CN: "wanted" });
const names = [{ type: "dNSName", value: "evil.example" }] as const;
const der = await signCertificateRequest(
  { subject, extensions: [makeExtension.subjectAltName(names)] },
  signer,
);

function forge(version: DerNode, ...rest: readonly DerNode[]): Uint8Array {
  const info = sequence(version, encoded(subject.der), encoded(exportPublicKey(signer.publicKey)), ...rest);
  return encode(sequence(info, ecdsaWithSha256, bitString(new Uint8Array(70).fill(1))));
}

const attribute = (type: string, ...values: readonly DerNode[]): DerNode =>
  sequence(objectIdentifier(type), setOf(...values));
const attributes = (...list: readonly DerNode[]): DerNode => constructed(0xa0, list);

describe("certificate requests", () => {
  it("reads what is asked for, as a wish", () => {
    const request = parseCertificateRequest(der);
    expect(request.subject.toString()).toBe("CN=wanted");
    expect(request.requestedSubjectAltName).toEqual(names);
    expect(request.requestedExtensions).toHaveLength(1);
  });

  it.each(keyAlgorithms)(
    "RFC 2986 §4.2: possession of a %s key is proven by its signature",
    async (algorithm) => {
      const key = new KeySigner(generatePrivateKey(algorithm));
      const request = parseCertificateRequest(await signCertificateRequest({ subject }, key));
      expect(verifyProofOfPossession(request).equals(key.publicKey)).toBe(true);
    },
  );

  it("RFC 2986 §4.2: a request for somebody else's key is refused", async () => {
    const victim = new KeySigner(generatePrivateKey("p256"));
    // Signed with the attacker's key, but naming the victim's.
    const impostor = { publicKey: victim.publicKey, sign: (bytes: Uint8Array) => signer.sign(bytes) };
    const request = parseCertificateRequest(await signCertificateRequest({ subject }, impostor));
    expect(pkiErrorCode(() => verifyProofOfPossession(request))).toBe("PKI_CSR_PROOF_OF_POSSESSION");
  });

  it("a key that no profile takes is refused before its signature is looked at", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const request = parseCertificateRequest(
      await signCertificateRequest({ subject }, new KeySigner(privateKey)),
    );
    expect(pkiErrorCode(() => verifyProofOfPossession(request))).toBe("PKI_PUBLIC_KEY_WEAK");
  });

  it("bytes that change after the parsing do not change the request", () => {
    const bytes = Uint8Array.from(der);
    const request = parseCertificateRequest(bytes);
    bytes.fill(0);
    expect(verifyProofOfPossession(request).equals(signer.publicKey)).toBe(true);
  });

  it("a request that was changed after signing is refused", () => {
    const changed = Uint8Array.from(der);
    const at = Buffer.from(changed).indexOf("evil.example");
    changed[at] = 0x45;
    expect(pkiErrorCode(() => verifyProofOfPossession(parseCertificateRequest(changed)))).toBe(
      "PKI_CSR_PROOF_OF_POSSESSION",
    );
  });

  it("RFC 2986 §4.1: version 0, and attributes that stand there once", () => {
    expect(pkiErrorCode(() => parseCertificateRequest(forge(integer(0), attributes())))).toBeUndefined();
    expect(pkiErrorCode(() => parseCertificateRequest(forge(integer(1), attributes())))).toBe(
      "PKI_CSR_MALFORMED",
    );
    expect(pkiErrorCode(() => parseCertificateRequest(forge(integer(0))))).toBe("PKI_DER_TRUNCATED");
    const challenge = attribute("1.2.840.113549.1.9.7", utf8String("x"));
    expect(
      pkiErrorCode(() => parseCertificateRequest(forge(integer(0), attributes(challenge)))),
    ).toBeUndefined();
    expect(
      pkiErrorCode(() => parseCertificateRequest(forge(integer(0), attributes(challenge, challenge)))),
    ).toBe("PKI_CSR_MALFORMED");
    const empty = attribute("1.2.840.113549.1.9.7");
    expect(pkiErrorCode(() => parseCertificateRequest(forge(integer(0), attributes(empty))))).toBe(
      "PKI_DER_TRUNCATED",
    );
    const two = attribute(
      "1.2.840.113549.1.9.14",
      sequence(sequence(objectIdentifier("1.2.3"), nullValue())),
    );
    expect(pkiErrorCode(() => parseCertificateRequest(forge(integer(0), attributes(two))))).toBe(
      "PKI_DER_TAG",
    );
    expect(pkiErrorCode(() => parseCertificateRequest(forge(integer(0), explicit(1, nullValue()))))).toBe(
      "PKI_DER_TAG",
    );
  });

  it("every proper prefix throws PkiError", () => {
    for (let length = 0; length < der.length; length++) {
      expect(pkiErrorCode(() => CertificateRequest.parse(der.subarray(0, length)))).toBeDefined();
    }
  });
});
