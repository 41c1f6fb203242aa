import { describe, expect, test } from "vitest";
import {
  type CertificateList,
  ExtendedKeyUsage,
  exportPublicKey,
  type GeneralName,
  keyIdentifierOf,
  makeExtension,
  parseCertificateList,
  signCertificateList,
} from "../../pki/index.ts";
import { deviceRecipe, issuingRecipe, type Minted, mint, rootRecipe } from "../support/minted-pki.ts";
import { TestGateway } from "../support/test-gateway.ts";

const day = 24 * 60 * 60 * 1000;
const ago = (days: number) => new Date(Date.now() - days * day);

/** Each one connects with a certificate that is registered, so that the reason is the certificate's and no other. */
const refused: ReadonlyArray<
  readonly [string, string, (at: TestGateway) => Promise<readonly [Minted, ...Minted[]]>]
> = [
  [
    "G-CERT-05: expired",
    "certificate_expired",
    async (at) => [await mint(deviceRecipe(at.pki.issuing, "d1", { notBefore: ago(9), notAfter: ago(1) }))],
  ],
  [
    "G-CERT-06: not yet valid",
    "certificate_not_yet_valid",
    async (at) => [await mint(deviceRecipe(at.pki.issuing, "d1", { notBefore: ago(-1) }))],
  ],
  [
    "G-CERT-03: same-DN rogue CA",
    "unknown_issuer|bad_signature",
    async () => {
      const root = await mint(rootRecipe());
      const issuing = await mint(issuingRecipe(root));
      return [await mint(deviceRecipe(issuing, "d1")), issuing];
    },
  ],
  [
    "G-CERT-03: self-signed",
    "certificate_self_signed",
    async () => {
      const { issuer: _, ...recipe } = deviceRecipe(await mint(rootRecipe()), "d1");
      return [await mint(recipe)];
    },
  ],
  ["G-CERT-04: the gateway's own certificate", "wrong_extended_key_usage", async (at) => [at.pki.gateway]],
  [
    "G-CERT-04: an EKU for servers alone",
    "wrong_extended_key_usage",
    async (at) => [
      await mint(deviceRecipe(at.pki.issuing, "d1", { extendedKeyUsage: [ExtendedKeyUsage.serverAuth] })),
    ],
  ],
  [
    "G-CERT-10: signed by another device",
    "not_a_ca|unknown_issuer",
    async (at) => {
      const other = await mint(deviceRecipe(at.pki.issuing, "d2"));
      return [await mint(deviceRecipe(other, "d1")), other, at.pki.issuing];
    },
  ],
  [
    "G-CERT-08: pathLenConstraint exceeded",
    "path_length",
    async (at) => {
      const deeper = await mint(issuingRecipe(at.pki.issuing, { commonName: "deeper" }));
      return [await mint(deviceRecipe(deeper, "d1")), deeper, at.pki.issuing];
    },
  ],
  [
    "G-CERT-04: a CA certificate as client",
    "leaf_is_ca|wrong_key_usage|wrong_extended_key_usage",
    async (at) => [at.pki.issuing],
  ],
  [
    "G-CERT-16: an id in the CN alone",
    "identity_malformed",
    async (at) => [await mint(deviceRecipe(at.pki.issuing, "d1", { subjectAltName: undefined }))],
  ],
  [
    "G-CERT-16: two names",
    "identity_malformed",
    async (at) => {
      return [
        await mint(
          deviceRecipe(at.pki.issuing, "d1", { subjectAltName: [identityName("d1"), identityName("d2")] }),
        ),
      ];
    },
  ],
  [
    "M-05: an id that breaks topics",
    "identity_malformed",
    async (at) => [
      await mint(
        deviceRecipe(at.pki.issuing, "d1", {
          subjectAltName: [
            { type: "uniformResourceIdentifier", value: "spiffe://sallyport.internal/device/a+b" },
          ],
        }),
      ),
    ],
  ],
];

describe("a client certificate is refused by its own reason", () => {
  test.each(refused)("%s", async (_title, reason, make) => {
    await using at = await TestGateway.start();
    const good = await at.peer("good");
    const [leaf, ...above] = await make(at);
    at.registry.put("d1");
    at.registry.know(leaf.certificate, "d1");

    const raw = await at.dial(at.tlsOf(leaf, ...above));
    await raw.untilClosed();

    expect(await at.refusal()).toMatch(new RegExp(`^(${reason})$`));
    expect(raw.received.length).toBe(0);
    // The positive control: the same gateway lets a good one in.
    await at.connect(good);
  });

  test("G-CERT-01: no certificate", async () => {
    await using at = await TestGateway.start();
    const { cert: _, key: __, ...anonymous } = at.tlsOf(at.pki.device);
    const raw = await at.dial(anonymous);
    await raw.untilClosed();
    expect(await at.refusal()).toBe("no_certificate");
    expect(raw.received.length).toBe(0);
  });

  test("G-CERT-17: a certificate that the inventory does not know", async () => {
    await using at = await TestGateway.start();
    const stranger = await at.stranger("d1");
    at.registry.put("d1");
    const raw = await at.dial(stranger.tls);
    await raw.untilClosed();
    expect(await at.event("connection.refused")).toMatchObject({
      reason: "certificate_unknown",
      deviceId: "d1",
    });
  });

  test("G-CERT-17: a certificate registered under another identity", async () => {
    await using at = await TestGateway.start();
    const stranger = await at.stranger("d1");
    at.registry.put("d2");
    at.registry.know(stranger.minted.certificate, "d2");
    await (await at.dial(stranger.tls)).untilClosed();
    expect(await at.refusal()).toBe("certificate_identity_differs");
  });

  test.each([
    ["G-CERT-17: a deleted device", "device_unknown", (at: TestGateway) => at.registry.remove("d1")],
    [
      "G-CERT-17: a retired device",
      "device_inactive",
      (at: TestGateway) => at.registry.put("d1", { status: "retired" }),
    ],
    [
      "G-CERT-17: an operator's id in a device's certificate",
      "device_unknown",
      (at: TestGateway) => at.registry.put("d1", { kind: "operator" }),
    ],
  ])("%s", async (_title, reason, change) => {
    await using at = await TestGateway.start();
    const peer = await at.peer("d1");
    change(at);
    await (await at.dial(peer.tls)).untilClosed();
    expect(await at.refusal()).toBe(reason);
  });

  test("G-CERT-07: a revoked certificate", async () => {
    await using at = await TestGateway.start();
    const peer = await at.peer("d1");
    at.registry.revoke(peer.minted.certificate);
    await (await at.dial(peer.tls)).untilClosed();
    expect(await at.refusal()).toBe("certificate_revoked");
  });

  test("G-CERT-03: a trust domain that is not the gateway's", async () => {
    await using at = await TestGateway.start({ trustDomain: "plant.example" });
    const peer = await at.peer("d1");
    await (await at.dial(peer.tls)).untilClosed();
    expect(await at.refusal()).toBe("wrong_trust_domain");
  });
});

function identityName(id: string): GeneralName {
  return { type: "uniformResourceIdentifier", value: `spiffe://sallyport.internal/device/${id}` };
}

async function crlOf(issuer: Minted, revoked: readonly Minted[]): Promise<CertificateList> {
  const der = await signCertificateList(
    {
      issuer: issuer.name,
      thisUpdate: new Date(Date.now() - day),
      nextUpdate: new Date(Date.now() + day),
      revoked: revoked.map(({ certificate }) => ({
        serialNumber: certificate.serialNumber,
        revocationDate: new Date(),
      })),
      extensions: [
        makeExtension.authorityKeyIdentifier(keyIdentifierOf(exportPublicKey(issuer.signer.publicKey))),
        makeExtension.cRLNumber(1n),
      ],
    },
    issuer.signer,
  );
  return parseCertificateList(der);
}

test("G-CERT-07: a certificate on a revocation list that was reloaded loses its session and does not come back", async () => {
  await using at = await TestGateway.start();
  const [peer, spared] = [await at.peer("a"), await at.peer("b")];
  await at.connect(peer);
  await at.connect(spared);
  at.gateway.reload({ crls: [await crlOf(at.pki.issuing, [peer.minted])] });
  expect(await at.event("reloaded")).toMatchObject({ sessionsKept: 1, sessionsClosed: 1 });
  expect(await at.event("session.closed")).toMatchObject({
    reason: "certificate_revoked",
    session: { deviceId: "a" },
  });
  await (await at.dial(peer.tls)).untilClosed();
  expect(await at.refusal()).toBe("certificate_revoked");
});
