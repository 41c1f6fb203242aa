import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { encode, implicit, octetString, sequence } from "../../pki/der/writer.ts";
import { Extension, makeExtension, type RawExtension } from "../../pki/index.ts";
import { Minted as Built, mintDevice } from "../support/chain-builder.ts";
import { deviceRecipe, issuingRecipe, type Minted, mint, mintPki } from "../support/minted-pki.ts";
import { connectBytes, publishBytes } from "../support/mqtt-bytes.ts";
import { tempPki } from "../support/temp-pki.ts";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

/*
 * Who a certificate is for is read from one field and compared byte by byte. Every certificate here is signed by the
 * CA that the gateway trusts and is in its inventory as the victim's, so that the name alone decides.
 */

const victim = "pump-1";

/** A subjectAltName with one URI of these very bytes: what no honest encoder writes. */
function rawUri(bytes: Uint8Array | string): RawExtension {
  const value = encode(sequence(implicit(6, octetString(Buffer.from(bytes)))));
  return { oid: Extension.subjectAltName, critical: false, value };
}

function spiffe(id: string): string {
  return `spiffe://sallyport.internal/device/${id}`;
}

const malformed = "identity_malformed";
const disguises: ReadonlyArray<readonly [string, Uint8Array | string, string]> = [
  ["G-CERT-16: the victim's id in capitals", spiffe("PUMP-1"), "certificate_identity_differs"],
  ["G-CERT-16: a Cyrillic letter that looks alike", spiffe("\u0440ump-1"), "certificate_malformed"],
  ["G-CERT-16: a full-width digit", spiffe("pump-１"), "certificate_malformed"],
  ["G-CERT-16: an octet above ASCII", Buffer.from(spiffe("pump-1\u00e9"), "latin1"), "certificate_malformed"],
  ["G-CERT-16: NUL behind the victim's id", spiffe("pump-1\u0000x"), "certificate_malformed"],
  ["G-CERT-16: NUL at the end", spiffe("pump-1\u0000"), "certificate_malformed"],
  ["G-CERT-16: a space at the end", spiffe("pump-1 "), "certificate_malformed"],
  ["G-CERT-16: a line break at the end", spiffe("pump-1\n"), "certificate_malformed"],
  ["G-CERT-16: a dot at the end", spiffe("pump-1."), "certificate_identity_differs"],
  ["G-CERT-16: percent-encoding", spiffe("%70ump-1"), malformed],
  ["G-CERT-16: a slash at the end", spiffe("pump-1/"), malformed],
  ["G-CERT-16: dot segments", spiffe("other/../pump-1"), malformed],
  ["G-CERT-16: an encoded slash", spiffe("x%2f..%2fpump-1"), malformed],
  ["G-CERT-16: a query", spiffe("pump-1?x=1"), malformed],
  ["G-CERT-16: a fragment", spiffe("pump-1#x"), malformed],
  ["G-CERT-16: a port", "spiffe://sallyport.internal:443/device/pump-1", malformed],
  ["G-CERT-16: user information", "spiffe://x@sallyport.internal/device/pump-1", malformed],
  ["G-CERT-16: the scheme in capitals", "SPIFFE://sallyport.internal/device/pump-1", malformed],
  ["G-CERT-16: another scheme", "https://sallyport.internal/device/pump-1", malformed],
  [
    "G-CERT-16: an operator of the victim's id",
    "spiffe://sallyport.internal/operator/pump-1",
    "certificate_identity_differs",
  ],
  [
    "G-CERT-16: another trust domain",
    "spiffe://sallyport.internal.example/device/pump-1",
    "wrong_trust_domain",
  ],
  ["M-05: an id of wildcards", spiffe("+"), malformed],
  ["M-05: an id that goes up a level", spiffe(".."), malformed],
  ["M-05: an id of 65 characters", spiffe("x".repeat(65)), malformed],
  ["M-05: a name that every object inherits", spiffe("constructor"), malformed],
];

describe("a certificate that is nearly another device's", () => {
  test.each(disguises)("%s", async (_title, uri, reason) => {
    await using at = await TestGateway.start({ trustDomain: "sallyport.internal" });
    const client = await at.connect(await at.peer(victim));
    const leaf = await mint(
      deviceRecipe(at.pki.issuing, victim, { subjectAltName: undefined, extensions: [rawUri(uri)] }),
    );
    await expectRefused(at, leaf, reason);
    expect(client.connected).toBe(true);
  });

  test.each([
    ["no name at all", []],
    ["the id as a DNS name", [makeExtension.subjectAltName([{ type: "dNSName", value: victim }])]],
    ["the extension twice", [rawUri(spiffe(victim)), rawUri(spiffe("d1"))]],
    [
      "the victim's name as the second of two",
      [
        makeExtension.subjectAltName([
          { type: "uniformResourceIdentifier", value: spiffe("d1") },
          { type: "uniformResourceIdentifier", value: spiffe(victim) },
        ]),
      ],
    ],
  ])("G-CERT-16: the CN says the victim's id, the subjectAltName has %s", async (_title, extensions) => {
    await using at = await TestGateway.start();
    const recipe = deviceRecipe(at.pki.issuing, victim, { subjectAltName: undefined, extensions });
    await expectRefused(at, await mint(recipe), "identity_malformed|certificate_malformed");
  });

  test("G-CERT-16: where CN and subjectAltName disagree, the session is the subjectAltName's and gets nothing of the CN's", async () => {
    await using at = await TestGateway.start();
    const client = await at.connect(await at.peer(victim));
    const attacker = await at.peer("d1", {}, { commonName: victim });
    await expect(at.connect(attacker, { clientId: victim })).rejects.toThrow(/Identifier rejected/);
    expect(await at.event("connection.refused")).toMatchObject({
      reason: "client_id_mismatch",
      deviceId: "d1",
    });
    const own = await at.dial(attacker.tls);
    own.send(connectBytes("d1"), publishBytes(`devices/${victim}/up/x`, "x", 1));
    expect(await at.event("publish.refused")).toMatchObject({ reason: "topic_denied", deviceId: "d1" });
    expect(client.connected).toBe(true);
  });

  test("M-05: the authority issues no certificate for an id that breaks topics", async () => {
    using pki = await tempPki();
    for (const id of [
      "a/b",
      "a+",
      "#",
      "..",
      "a\u0000",
      "a%2fb",
      " a",
      "a ",
      "",
      "x".repeat(65),
      "__proto__",
    ]) {
      await expect(pki.authority.issue({ id }), JSON.stringify(id)).rejects.toMatchObject({
        code: "PKI_IDENTITY_NAME",
      });
    }
    // The positive control.
    expect((await pki.authority.issue({ id: "a.b_c-1" })).id).toBe("a.b_c-1");
  });
});

describe("a certificate that is nearly one of ours", () => {
  test("G-CERT-17: the same serial number, name and key under another trusted CA is not the registered certificate", async () => {
    const [pki, other] = [await mintPki(), await mintPki()];
    await using at = await TestGateway.start({
      pki,
      anchors: [pki.root.certificate, other.root.certificate],
      intermediates: [pki.issuing.certificate, other.issuing.certificate],
    });
    const peer = await at.peer(victim);
    const key = peer.minted.signer;
    const { serialNumber, notBefore, notAfter } = peer.minted.certificate;
    const issuer = new Built(other.issuing.certificate.der, keyOf(other.issuing), other.issuing.name);
    const twin = mintDevice(issuer, victim, { serialNumber, notBefore, notAfter, key: keyOf(peer.minted) });
    expect(twin.certificate.serialNumber).toBe(serialNumber);
    const leaf = { name: twin.name, signer: key, certificate: twin.certificate, pem: twin.pem };
    const raw = await at.dial(at.tlsOf(leaf, other.issuing));
    raw.send(connectBytes(victim));
    await raw.untilClosed();
    expect(await at.event("connection.refused")).toMatchObject({
      reason: "certificate_unknown",
      fingerprint: twin.certificate.fingerprint,
    });
    expect(raw.received).toHaveLength(0);
    expect((await at.connect(peer)).connected).toBe(true);
  });

  test("G-CERT-09: a CA that may name another domain alone", async () => {
    const { at, narrow } = await narrowedTo("plant.example");
    await using _ = at;
    await expectRefused(at, await mint(deviceRecipe(narrow, victim)), "name_constraints", narrow);
  });

  test("G-CERT-09, valid twin: a CA that may name this domain alone", async () => {
    const { at, narrow } = await narrowedTo("sallyport.internal");
    await using _ = at;
    const leaf = await mint(deviceRecipe(narrow, victim));
    at.registry.put(victim);
    at.registry.know(leaf.certificate, victim);
    const client = await at.connect({ id: victim, minted: leaf, tls: at.tlsOf(leaf, narrow) });
    expect(client.connected).toBe(true);
  });
});

/** A gateway whose issuing CA is bound to URIs of one domain. */
async function narrowedTo(domain: string): Promise<{ at: TestGateway; narrow: Minted }> {
  const pki = await mintPki();
  const permittedSubtrees = [{ type: "uniformResourceIdentifier", value: domain }] as const;
  const constraint = makeExtension.nameConstraints({ permittedSubtrees, excludedSubtrees: [] });
  const narrow = await mint(issuingRecipe(pki.root, { commonName: "narrow", extensions: [constraint] }));
  return { at: await TestGateway.start({ pki, intermediates: [narrow.certificate] }), narrow };
}

/** The certificate is in the inventory as the victim's; it reaches the gateway, and gets not one byte of MQTT. */
async function expectRefused(
  at: TestGateway,
  leaf: Minted,
  reason: string,
  ...above: Minted[]
): Promise<void> {
  at.registry.put(victim);
  const fingerprint = fingerprintOf(leaf);
  at.registry.certificates.set(fingerprint, { identityKind: "device", identityId: victim });
  const raw = await at.dial(at.tlsOf(leaf, ...above));
  raw.send(connectBytes(victim));
  await raw.untilClosed();
  await until("the refusal", () => at.eventsOf("connection.refused").length > 0);
  const [refused] = at.eventsOf("connection.refused");
  expect(refused?.reason).toMatch(new RegExp(`^(${reason})$`));
  expect(refused?.fingerprint).toBe(fingerprint);
  expect(raw.received).toHaveLength(0);
  expect(at.eventsOf("session.closed")).toEqual([]);
}

/** Of a certificate that our own parser may refuse. */
function fingerprintOf(leaf: Minted): string {
  return new X509Certificate(leaf.pem).fingerprint256.replaceAll(":", "").toLowerCase();
}

function keyOf(minted: Minted): KeyObject {
  return createPrivateKey(minted.signer.exportForTls());
}
