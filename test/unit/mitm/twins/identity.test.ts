import { describe, expect, test } from "vitest";
import { Forge } from "../../../../mitm/mint/forge.ts";
import { LabPki } from "../../../../mitm/mint/lab-pki.ts";
import { readTwinIdentity } from "../../../../mitm/twins/identity.ts";
import { encode, implicit, octetString, sequence } from "../../../../pki/der/writer.ts";
import { Extension, type GeneralName } from "../../../../pki/index.ts";

const domain = "sallyport.internal";
const pki = await LabPki.create({ trustDomain: domain });
const forge = new Forge(pki);

async function certificate(uri: string, commonName = "device"): Promise<Uint8Array> {
  const value = encode(sequence(implicit(6, octetString(Buffer.from(uri)))));
  const { chain } = await forge.device({
    id: "any",
    subject: { CN: commonName },
    without: ["subjectAltName"],
    extensions: [{ oid: Extension.subjectAltName, critical: false, value }],
  });
  return chain[0] ?? new Uint8Array();
}

async function named(...subjectAltName: readonly GeneralName[]): Promise<Uint8Array> {
  const { chain } = await forge.device({ id: "any", subject: { CN: "victim" }, subjectAltName });
  return chain[0] ?? new Uint8Array();
}

function read(der: Uint8Array, ...weaknesses: readonly string[]) {
  return readTwinIdentity(der, domain, (weakness) => weaknesses.includes(weakness));
}

const victim = { kind: "device", id: "victim" } as const;
const uri = (id: string) => `spiffe://${domain}/device/${id}`;

describe("the identity that a twin reads", () => {
  test("is the URI of the one form", async () => {
    expect(read(await certificate(uri("victim")))).toEqual(victim);
    expect(read(await certificate(`spiffe://${domain}/operator/victim`))).toEqual({
      kind: "operator",
      id: "victim",
    });
  });

  test.each([
    ["identity-case-folded", uri("VICTIM")],
    ["identity-cut-at-nul", `${uri("victim")}\0.attacker`],
    ["identity-trimmed", `${uri("victim")} `],
    ["identity-trimmed", `${uri("victim")}\n`],
    ["identity-decoded", uri("%76ictim")],
    ["identity-path-resolved", uri("attacker/../victim")],
    ["identity-normalised", uri("\uff56ictim")],
    ["identity-suffix-ignored", `${uri("victim")}?x`],
    ["identity-suffix-ignored", `${uri("victim")}#x`],
    ["foreign-trust-domain", "spiffe://elsewhere.example/device/victim"],
    ["identity-kind-ignored", `spiffe://${domain}/operator/victim`],
  ])("%s: %j is the victim's to the careless alone", async (weakness, name) => {
    const der = await certificate(name);
    expect(read(der)).not.toEqual(victim);
    expect(read(der, weakness)).toEqual(victim);
  });

  test("common names, other types and second names count for the careless alone", async () => {
    const none = await named();
    expect(read(none)).toBeUndefined();
    expect(read(none, "identity-from-common-name")).toEqual(victim);
    const dns = await named({ type: "dNSName", value: "victim" });
    expect(read(dns)).toBeUndefined();
    expect(read(dns, "identity-from-any-name-type")).toEqual(victim);
    const two = await named(
      { type: "uniformResourceIdentifier", value: uri("attacker") },
      { type: "uniformResourceIdentifier", value: uri("victim") },
    );
    expect(read(two)).toBeUndefined();
    expect(read(two, "identity-ambiguous")).toEqual(victim);
  });
});
