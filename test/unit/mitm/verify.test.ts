import { beforeAll, describe, expect, it } from "vitest";
import { Forge } from "../../../mitm/mint/forge.ts";
import { LabPki } from "../../../mitm/mint/lab-pki.ts";
import { type TwinVerifierOptions, twinVerifier } from "../../../mitm/twins/verify.ts";

const name = "gateway.site.lab.test";
let pki: LabPki;
let forge: Forge;
let pins: readonly string[];

beforeAll(async () => {
  pki = await LabPki.create();
  forge = new Forge(pki, [name]);
  pins = await pki.pins();
});

function verifier(tolerates: readonly string[], over: Partial<TwinVerifierOptions> = {}) {
  return twinVerifier({
    purpose: "serverAuth",
    anchors: pki.anchors,
    serverNames: [name],
    pins,
    ...over,
    tolerates: new Set(tolerates),
  });
}

describe("the certificate check of a twin", () => {
  it("takes what is right, with and without revocation lists", async () => {
    const { chain } = await forge.gateway();
    expect(verifier([])(chain)).toBeUndefined();
    expect(verifier([], { revocationLists: await pki.revocationLists() })(chain)).toBeUndefined();
    const device = await pki.device("pump-1");
    const asClient = { purpose: "clientAuth", serverNames: undefined, pins: undefined } as const;
    expect(verifier([], asClient)(device.chain)).toBeUndefined();
  });

  it("takes nothing for a certificate", () => {
    expect(verifier([])([])).toBe("certificate_required");
    expect(verifier([])([new Uint8Array(20)])).toBe("bad_certificate");
    expect(verifier(["lenient-der"])([new Uint8Array(20)])).toBe("bad_certificate");
  });

  it("lacks one check at a time", async () => {
    const past = new Date(Date.now() - 60_000);
    const rogue = await forge.rogueIssuing();
    const wrong: ReadonlyArray<readonly [string, string, readonly Uint8Array[]]> = [
      ["ignores-expiry", "certificate_expired", (await forge.gateway({ notAfter: past })).chain],
      ["ignores-server-name", "bad_certificate", (await forge.gateway({ names: ["other.test"] })).chain],
      ["chain-not-verified", "unknown_ca", (await forge.gateway({ issuer: rogue })).chain.slice(0, 2)],
      ["trusts-any-root", "unknown_ca", (await forge.gateway({ issuer: null })).chain],
      ["pin-not-checked", "bad_certificate", (await forge.gateway({ key: "p256" })).chain],
    ];
    for (const [weakness, alert, chain] of wrong) {
      expect(verifier([])(chain), weakness).toBe(alert);
      expect(verifier([weakness])(chain), weakness).toBeUndefined();
      for (const [other] of wrong.filter(([one]) => one !== weakness)) {
        expect(verifier([other])(chain), `${weakness}, not ${other}`).toBe(alert);
      }
    }
  });

  it("looks at a stapled OCSP response, if there is one", async () => {
    const credential = await forge.gateway();
    const good = await forge.ocspResponse(credential);
    const revoked = await forge.ocspResponse(credential, { status: "revoked" });
    const later = { thisUpdate: new Date(Date.now() + 60_000) };
    const early = await forge.ocspResponse(credential, later);
    expect(verifier([])(credential.chain, good)).toBeUndefined();
    expect(verifier([])(credential.chain, revoked)).toBe("bad_certificate_status_response");
    expect(verifier([])(credential.chain, early)).toBe("bad_certificate_status_response");
    expect(verifier([])(credential.chain, credential.chain[0])).toBe("bad_certificate_status_response");
  });
});
