import { beforeAll, describe, expect, test } from "vitest";
import { AuthenticatedPeer, judgeDtlsClaim } from "../../../gateway/peer.ts";
import { Trust } from "../../../gateway/trust.ts";
import { type MintedPki, mintPki } from "../../support/minted-pki.ts";

let pki: MintedPki;
let trust: Trust;

beforeAll(async () => {
  pki = await mintPki();
  trust = new Trust({
    anchors: [pki.root.certificate],
    intermediates: [pki.issuing.certificate],
    crls: [],
    now: () => new Date(),
    remembered: 10,
  });
});

describe("what a DTLS peer shows", () => {
  const chain = () => [pki.device.certificate.der, pki.issuing.certificate.der];

  test("is judged by its path", () => {
    expect(judgeDtlsClaim({ certificateType: "X509", chain: chain() }, trust).leaf.fingerprint).toBe(
      pki.device.certificate.fingerprint,
    );
  });

  test.each(["RawPublicKey", "PSK", "X.509", ""])(
    "as %s it is no certificate, whatever the bytes are",
    (type) => {
      expect(() => judgeDtlsClaim({ certificateType: type, chain: chain() }, trust)).toThrow(
        expect.objectContaining({ reason: "no_certificate" }),
      );
    },
  );

  test("and without a first certificate it is none", () => {
    expect(() => judgeDtlsClaim({ certificateType: "X509", chain: [] }, trust)).toThrow(
      expect.objectContaining({ reason: "no_certificate" }),
    );
  });
});

test("what only looks like the proof of a DTLS handshake makes no AuthenticatedPeer", () => {
  const forged = {
    certificateType: "X509",
    chain: [pki.device.certificate.der],
    pskIdentity: undefined,
    resumed: false,
    identity: "d1",
  };
  for (const proof of [forged, undefined, null, "d1", Object.create(forged)]) {
    expect(() => AuthenticatedPeer.ofDtls(proof, trust, "192.0.2.1")).toThrow(
      expect.objectContaining({ reason: "no_certificate" }),
    );
  }
});
