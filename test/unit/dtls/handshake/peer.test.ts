import { describe, expect, test } from "vitest";
import {
  AuthenticatedPeer,
  type ClaimedKey,
  VerifiedFinished,
  VerifiedSignature,
} from "../../../../dtls/handshake/peer.ts";
import { SignatureScheme } from "../../../../dtls/wire/registry.ts";
import { deviceCredential, impostorOf } from "../../../support/dtls/credentials.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";

const credential = deviceCredential();
const claim: ClaimedKey = {
  certificateType: "X509",
  chain: credential.chain,
  publicKey: credential.signer.publicKey,
};
const bytes = Buffer.from("everything said so far");
const scheme = SignatureScheme.ecdsa_secp256r1_sha256;

async function signedBy({ signer }: typeof credential): Promise<Uint8Array> {
  return await signer.sign(bytes, scheme);
}

describe("a VerifiedSignature", () => {
  test("RFC 5246 §7.4.8: comes of a signature by the claimed key (A1)", async () => {
    const signature = await signedBy(credential);
    expect(VerifiedSignature.verify(claim, [scheme], scheme, bytes, signature).claim).toBe(claim);
  });

  test("RFC 5246 §7.4.8: another key's signature is refused (A1)", async () => {
    const signature = await signedBy(impostorOf(credential));
    expect(dtlsErrorCode(() => VerifiedSignature.verify(claim, [scheme], scheme, bytes, signature))).toBe(
      "DTLS_BAD_SIGNATURE",
    );
  });

  test("RFC 5246 §7.4.8: a scheme that was not offered is refused, whatever the signature (A2)", async () => {
    const signature = await signedBy(credential);
    const offered = [SignatureScheme.ed25519];
    expect(dtlsErrorCode(() => VerifiedSignature.verify(claim, offered, scheme, bytes, signature))).toBe(
      "DTLS_ILLEGAL_PARAMETER",
    );
  });
});

describe("a VerifiedFinished", () => {
  test("RFC 5246 §7.4.9: verify_data must be equal, in length as well (A3)", () => {
    const data = new Uint8Array(12).fill(7);
    expect(VerifiedFinished.is(VerifiedFinished.verify(data, Uint8Array.from(data)))).toBe(true);
    for (const wrong of [new Uint8Array(12), new Uint8Array(0), data.subarray(0, 11)]) {
      expect(dtlsErrorCode(() => VerifiedFinished.verify(data, wrong))).toBe("DTLS_BAD_FINISHED");
    }
  });
});

describe("an AuthenticatedPeer", () => {
  const finished = VerifiedFinished.verify(new Uint8Array(12), new Uint8Array(12));

  test("needs a Finished that verified: what only looks like one is no proof (A3)", () => {
    const forged: VerifiedFinished = Object.create(VerifiedFinished.prototype);
    const proof = { by: "psk", pskIdentity: Buffer.from("d1") } as const;
    expect(() => AuthenticatedPeer.prove(proof, forged, undefined)).toThrow(TypeError);
    expect(AuthenticatedPeer.is(AuthenticatedPeer.prove(proof, finished, undefined))).toBe(true);
  });

  test("a look-alike is told from a real one", () => {
    expect(AuthenticatedPeer.is({ certificateType: "PSK", identity: "me" })).toBe(false);
    expect(AuthenticatedPeer.is(Object.create(AuthenticatedPeer.prototype))).toBe(false);
  });

  test("a session of a peer without identity makes none (A7)", () => {
    const session = {
      sessionId: new Uint8Array(32),
      ticket: undefined,
      cipherSuite: 0xc02b,
      masterSecret: new Uint8Array(48),
      extendedMasterSecret: true,
      serverName: undefined,
      alpnProtocol: undefined,
      peerCertificateType: undefined,
      peerChain: [],
      pskIdentity: undefined,
      expiresAt: 0,
    };
    expect(AuthenticatedPeer.prove({ by: "session", session }, finished, "me")).toBeUndefined();
  });
});
