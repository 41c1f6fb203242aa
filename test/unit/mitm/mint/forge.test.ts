import { createPublicKey } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { NotApplicable } from "../../../../mitm/errors.ts";
import { Forge } from "../../../../mitm/mint/forge.ts";
import { LabPki } from "../../../../mitm/mint/lab-pki.ts";
import {
  decodePem,
  KeySigner,
  PkiError,
  parseCertificate,
  parseCertificateList,
  readIdentity,
  spkiPin,
  validatePath,
} from "../../../../pki/index.ts";

let pki: LabPki;
let forge: Forge;

beforeAll(async () => {
  pki = await LabPki.create();
  forge = new Forge(pki, ["localhost", "127.0.0.1"]);
});

/** What path validation says of a chain: the leaf's subject, or the code of the refusal. */
async function judge(
  chain: readonly Uint8Array[],
  purpose: "serverAuth" | "clientAuth",
  crls: readonly Uint8Array[] = [],
): Promise<string> {
  try {
    validatePath({
      chain: chain.map((der) => parseCertificate(der)),
      anchors: pki.anchors.map((der) => parseCertificate(der)),
      purpose,
      now: new Date(),
      crls: crls.map((der) => parseCertificateList(der)),
      ...(purpose === "serverAuth" && { serverName: "localhost" }),
    });
    return "valid";
  } catch (error) {
    return error instanceof PkiError ? error.code : String(error);
  }
}

describe("LabPki", () => {
  it("issues what its anchors validate, for both ends", async () => {
    const gateway = await pki.gateway(["localhost"]);
    const device = await pki.device("pump-1");
    expect(await judge(gateway.chain, "serverAuth", await pki.revocationLists())).toBe("valid");
    expect(await judge(device.chain, "clientAuth", await pki.revocationLists())).toBe("valid");
    const leaf = parseCertificate(device.chain[0] ?? new Uint8Array());
    expect(readIdentity(leaf)).toEqual({ kind: "device", trustDomain: pki.trustDomain, id: "pump-1" });
    expect(leaf.publicKey.equals(createPublicKey(device.key))).toBe(true);
  });

  it("gives every honest gateway the pinned key", async () => {
    const gateway = await pki.gateway(["localhost"]);
    expect(spkiPin(parseCertificate(gateway.chain[0] ?? new Uint8Array()))).toBe(pki.pin);
  });

  it("issues nothing that outlives the day after", async () => {
    const { chain } = await pki.device("pump-1");
    for (const der of [...chain, ...pki.anchors]) {
      expect(parseCertificate(der).notAfter.getTime()).toBeLessThanOrEqual(Date.now() + 86_400_000);
    }
  });

  it("writes its anchors as PEM", () => {
    expect(decodePem(pki.anchorsPem, "CERTIFICATE")).toHaveLength(1);
  });

  it("stands on a CA whose key lives elsewhere", async () => {
    const real = await LabPki.fromIssuer({
      trustDomain: "example.org",
      anchors: pki.anchors,
      issuing: [pki.issuing.certificate],
      signer: new KeySigner(pki.issuing.key),
    });
    expect(real.origin).toBe("real");
    const over = new Forge(real, ["localhost"]);
    expect(await judge((await over.gateway()).chain, "serverAuth")).toBe("valid");
    expect(await judge((await real.device("d1")).chain, "clientAuth")).toBe("valid");
    await expect(over.ca()).rejects.toBeInstanceOf(NotApplicable);
    await expect(over.gateway({ signature: "ecdsa-sha1" })).rejects.toBeInstanceOf(NotApplicable);
    expect(() => real.issuing.key).toThrow(NotApplicable);
  });
});

describe("Forge", () => {
  it("makes what is right in all respects when nothing is asked for", async () => {
    const gateway = await forge.gateway();
    const device = await forge.device({ id: "pump-1" });
    expect(await judge(gateway.chain, "serverAuth")).toBe("valid");
    expect(await judge(device.chain, "clientAuth")).toBe("valid");
    expect(spkiPin(parseCertificate(gateway.chain[0] ?? new Uint8Array()))).toBe(pki.pin);
  });

  it("makes what is wrong in the one respect asked for", async () => {
    const past = new Date(Date.now() - 60_000);
    const wrong = {
      PKI_PATH_EXPIRED: { notAfter: past },
      PKI_PATH_NAME_MISMATCH: { names: ["elsewhere.example"] },
      PKI_PATH_BAD_SIGNATURE: { corrupt: true },
      PKI_PATH_WEAK_ALGORITHM: { signature: "ecdsa-sha1" },
      PKI_PATH_SELF_SIGNED: { issuer: null },
    } as const;
    for (const [code, options] of Object.entries(wrong)) {
      expect(await judge((await forge.gateway(options)).chain, "serverAuth"), code).toBe(code);
    }
  });

  it("makes further CAs below the root", async () => {
    const issuer = await forge.ca({ pathLenConstraint: 0 });
    expect(await judge((await forge.gateway({ issuer })).chain, "serverAuth")).toBe("valid");
    const below = await forge.ca({ issuer });
    expect(await judge((await forge.gateway({ issuer: below })).chain, "serverAuth")).toBe("PKI_PATH_LENGTH");
  });

  it("makes a CA of the same name that is another", async () => {
    const issuer = await forge.rogueIssuing();
    expect(issuer.name.equals(pki.issuing.name)).toBe(true);
    expect(await judge((await forge.gateway({ issuer })).chain, "serverAuth")).toBe("PKI_PATH_BAD_SIGNATURE");
  });

  it("makes certificates that the lab's revocation list names, and lists of its own", async () => {
    const listed = await forge.gateway({ serialNumber: pki.revokedSerialNumber });
    expect(await judge(listed.chain, "serverAuth", await pki.revocationLists())).toBe("PKI_PATH_REVOKED");
    const other = await forge.gateway();
    const list = await forge.revocationList({ revoked: other.chain.slice(0, 1) });
    expect(await judge(other.chain, "serverAuth", [list])).toBe("PKI_PATH_REVOKED");
  });
});
