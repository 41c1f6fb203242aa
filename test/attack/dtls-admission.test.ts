import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { NamedGroup, SignatureScheme } from "../../dtls/index.ts";
import {
  type CertificateList,
  ExtendedKeyUsage,
  exportPublicKey,
  keyIdentifierOf,
  makeExtension,
  parseCertificateList,
  signCertificateList,
} from "../../pki/index.ts";
import { AdversaryOverUdp } from "../support/dtls-adversary.ts";
import { DtlsTestGateway, echo, endOf } from "../support/gateway-dtls.ts";
import { deviceRecipe, issuingRecipe, type Minted, mint, rootRecipe } from "../support/minted-pki.ts";
import type { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

/**
 * As the tests of the MQTT listener: who is refused, why, and that the honest twin is let in. Side by side, because a
 * client waits a while before it believes an alert that is not protected, which anybody can send.
 */

const day = 24 * 60 * 60 * 1000;
const ago = (days: number) => new Date(Date.now() - days * day);
const nameOf = (id: string, kind = "device", domain = "sallyport.internal") => ({
  subjectAltName: [{ type: "uniformResourceIdentifier", value: `spiffe://${domain}/${kind}/${id}` } as const],
});

/** Each one shows a certificate that is registered, so that the reason is the certificate's and no other. */
const refused: ReadonlyArray<
  readonly [
    title: string,
    reason: string,
    alert: string,
    make: (at: TestGateway) => Promise<readonly [Minted, ...Minted[]]>,
  ]
> = [
  [
    "G-CERT-05: expired",
    "certificate_expired",
    "certificate_expired",
    async (at) => [await mint(deviceRecipe(at.pki.issuing, "d1", { notBefore: ago(9), notAfter: ago(1) }))],
  ],
  [
    "G-CERT-06: not yet valid",
    "certificate_not_yet_valid",
    "certificate_expired",
    async (at) => [await mint(deviceRecipe(at.pki.issuing, "d1", { notBefore: ago(-1) }))],
  ],
  [
    "G-CERT-03: of another CA",
    "unknown_issuer",
    "unknown_ca",
    async () => {
      const root = await mint(rootRecipe({ commonName: "Another root" }));
      const issuing = await mint(issuingRecipe(root, { commonName: "Another issuing CA" }));
      return [await mint(deviceRecipe(issuing, "d1")), issuing];
    },
  ],
  [
    "G-CERT-03: same-DN rogue CA",
    "bad_signature|unknown_issuer",
    "bad_certificate|unknown_ca",
    async () => {
      const root = await mint(rootRecipe());
      const issuing = await mint(issuingRecipe(root));
      return [await mint(deviceRecipe(issuing, "d1")), issuing];
    },
  ],
  [
    "G-CERT-03: self-signed",
    "certificate_self_signed",
    "unknown_ca",
    async () => {
      const { issuer: _, ...recipe } = deviceRecipe(await mint(rootRecipe()), "d1");
      return [await mint(recipe)];
    },
  ],
  [
    "G-CERT-04: the gateway's own certificate",
    "wrong_extended_key_usage",
    "unsupported_certificate",
    async (at) => [at.pki.gateway],
  ],
  [
    "G-CERT-04: an EKU for servers alone",
    "wrong_extended_key_usage",
    "unsupported_certificate",
    async (at) => [
      await mint(deviceRecipe(at.pki.issuing, "d1", { extendedKeyUsage: [ExtendedKeyUsage.serverAuth] })),
    ],
  ],
  [
    "G-CERT-04: a CA's certificate",
    "leaf_is_ca|wrong_key_usage|wrong_extended_key_usage",
    "unsupported_certificate",
    async (at) => [at.pki.issuing],
  ],
  [
    "G-CERT-08: pathLenConstraint exceeded",
    "path_length",
    "bad_certificate",
    async (at) => {
      const deeper = await mint(issuingRecipe(at.pki.issuing, { commonName: "deeper" }));
      return [await mint(deviceRecipe(deeper, "d1")), deeper, at.pki.issuing];
    },
  ],
  [
    "G-CERT-10: signed by another device",
    "not_a_ca|unknown_issuer",
    "bad_certificate|unknown_ca",
    async (at) => {
      const other = await mint(deviceRecipe(at.pki.issuing, "d2"));
      return [await mint(deviceRecipe(other, "d1")), other, at.pki.issuing];
    },
  ],
  [
    "G-CERT-16: an id in the CN alone",
    "identity_malformed",
    "bad_certificate",
    async (at) => [await mint(deviceRecipe(at.pki.issuing, "d1", { subjectAltName: undefined }))],
  ],
  [
    "G-CERT-16: two names",
    "identity_malformed",
    "bad_certificate",
    async (at) => {
      const subjectAltName = [...nameOf("d1").subjectAltName, ...nameOf("d2").subjectAltName];
      return [await mint(deviceRecipe(at.pki.issuing, "d1", { subjectAltName }))];
    },
  ],
];

describe.concurrent("over DTLS a client certificate is refused by its own reason, and the alert fits", () => {
  test.each(refused)("%s", async (_title, reason, alert, make) => {
    await using over = await DtlsTestGateway.start();
    const { at } = over;
    const good = await at.peer("good");
    const [leaf, ...above] = await make(at);
    at.registry.put("d1");
    at.registry.know(leaf.certificate, "d1");

    const { cert, key } = at.tlsOf(leaf, ...above);
    expect(await over.refusedBy(over.dial({ cert, key }))).toMatch(new RegExp(`^(${alert})$`));

    const event = await at.event("connection.refused");
    expect(event.transport).toBe("dtls");
    expect(event.reason).toMatch(new RegExp(`^(${reason})$`));
    expect(at.eventsOf("session.opened")).toEqual([]);
    // The positive control: the same gateway lets a good one in.
    expect(await echo(await over.connect(good), "in")).toBe("in");
  });

  test("G-CERT-01: no certificate (U13)", async () => {
    await using over = await DtlsTestGateway.start();
    expect(await over.refusedBy(over.dial({}))).toBe("handshake_failure");
    expect(await over.at.refusal()).toBe("no_certificate");
    await over.connect(await over.at.peer("good"));
  });

  test("G-CERT-01: a raw public key, which is none", async () => {
    await using over = await DtlsTestGateway.start();
    const peer = await over.at.peer("d1");
    await using adversary = await AdversaryOverUdp.open(over.port, {
      shows: peer.tls,
      extensions: { ...hello, clientCertificateTypes: [2], serverCertificateTypes: [0] },
    });
    await adversary.hello();
    // RFC 7250 §4.2: no type in common is unsupported_certificate.
    expect(await adversary.alert()).toMatch(/^(unsupported_certificate|handshake_failure)$/);
    await over.at.event("connection.refused");
    expect(over.at.eventsOf("session.opened")).toEqual([]);
    await over.connect(peer);
  });

  test("G-CERT-07: a revoked certificate", async () => {
    await using over = await DtlsTestGateway.start();
    const peer = await over.at.peer("d1");
    await (await over.connect(peer)).close();
    over.at.registry.revoke(peer.minted.certificate);
    expect(await over.refusedBy(over.connect(peer))).toBe("certificate_revoked");
    expect(await over.at.event("connection.refused")).toMatchObject({
      reason: "certificate_revoked",
      deviceId: "d1",
      fingerprint: peer.minted.certificate.fingerprint,
      address: "127.0.0.1",
    });
  });

  test("G-CERT-07: a certificate on the revocation list", async () => {
    await using over = await DtlsTestGateway.start();
    const [bad, good] = [await over.at.peer("bad"), await over.at.peer("good")];
    const list = (issuer: Minted, ...revoked: Minted[]) => crl(issuer, revoked);
    over.at.gateway.reload({
      crls: [await list(over.at.pki.root), await list(over.at.pki.issuing, bad.minted)],
    });
    expect(await over.refusedBy(over.connect(bad))).toBe("certificate_revoked");
    expect(await over.at.refusal()).toBe("certificate_revoked");
    await over.connect(good);
  });

  test("G-CERT-03: a trust domain that is not the gateway's", async () => {
    await using over = await DtlsTestGateway.start({ trustDomain: "sallyport.internal" });
    const { at } = over;
    const foreign = await at.peer("d1", {}, nameOf("d1", "device", "elsewhere.example"));
    expect(await over.refusedBy(over.connect(foreign))).toBe("access_denied");
    expect(await at.refusal()).toBe("wrong_trust_domain");
    await over.connect(await at.peer("d2"));
  });

  test("G-CERT-17: a certificate that the inventory does not know", async () => {
    await using over = await DtlsTestGateway.start();
    const stranger = await over.at.stranger("d1");
    over.at.registry.put("d1");
    expect(await over.refusedBy(over.connect(stranger))).toBe("access_denied");
    expect(await over.at.event("connection.refused")).toMatchObject({
      reason: "certificate_unknown",
      deviceId: "d1",
    });
    over.at.registry.know(stranger.minted.certificate, "d1");
    await over.connect(stranger);
  });

  test("G-CERT-17: a certificate registered under another identity", async () => {
    await using over = await DtlsTestGateway.start();
    const stranger = await over.at.stranger("d1");
    over.at.registry.put("d2");
    over.at.registry.know(stranger.minted.certificate, "d2");
    expect(await over.refusedBy(over.connect(stranger))).toBe("access_denied");
    expect(await over.at.refusal()).toBe("certificate_identity_differs");
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
    await using over = await DtlsTestGateway.start();
    const peer = await over.at.peer("d1");
    await (await over.connect(peer)).close();
    change(over.at);
    expect(await over.refusedBy(over.connect(peer))).toBe("access_denied");
    expect(await over.at.refusal()).toBe(reason);
  });
});

describe.concurrent("over DTLS a session is worth no more than its certificate", () => {
  test("G-CERT-18: revoked while connected, the session ends within a second (U11)", async () => {
    await using over = await DtlsTestGateway.start();
    const peer = await over.at.peer("d1");
    const [session, twin] = [await over.connect(peer), await over.connect(await over.at.peer("d2"))];
    const began = performance.now();
    over.at.registry.revoke(peer.minted.certificate);
    expect(await endOf(session)).toBe("certificate_revoked");
    expect(performance.now() - began).toBeLessThan(1000);
    expect(await echo(twin, "kept")).toBe("kept");
  });

  test.each([
    [
      "P-10: a session of a certificate that was revoked is not resumed (A7)",
      "certificate_revoked",
      "certificate_revoked",
    ],
    ["P-10: a session of a retired device is not resumed", "device_inactive", "access_denied"],
  ])("%s", async (title, reason, alert) => {
    await using over = await DtlsTestGateway.start();
    const { at } = over;
    const peer = await at.peer("d1");
    const first = await over.connect(peer);
    await until("something to resume with", () => first.session !== undefined);
    await first.close();
    // The twin: as long as nothing happened it is resumed.
    const second = await over.connect(peer, { session: first.session });
    expect(second.reused).toBe(true);
    await second.close();
    if (title.includes("retired")) at.registry.put("d1", { status: "retired" });
    else at.registry.revoke(peer.minted.certificate);
    expect(await over.refusedBy(over.connect(peer, { session: first.session }))).toBe(alert);
    expect(await at.refusal()).toBe(reason);
    expect(at.gateway.sessions()).toEqual([]);
  });

  test("P-10: a session of a certificate that has expired is not resumed (A7)", async () => {
    await using over = await DtlsTestGateway.start();
    const notAfter = new Date(Math.ceil((Date.now() + 1500) / 1000) * 1000);
    const peer = await over.at.peer("d1", {}, { notAfter });
    const first = await over.connect(peer);
    await until("something to resume with", () => first.session !== undefined);
    await first.close();
    await delay(notAfter.getTime() + 1100 - Date.now());
    const late = over.connect(peer, { session: first.session });
    expect(await over.refusedBy(late)).toBe("certificate_expired");
    expect(await over.at.refusal()).toBe("certificate_expired");
  });

  test("P-09: a session of another gateway is not resumed, not even under the same CA", async () => {
    await using one = await DtlsTestGateway.start();
    const { pki, registry: memory } = one.at;
    await using other = await DtlsTestGateway.start({ pki, memory });
    const peer = await one.at.peer("d1");
    const session = await one.connect(peer);
    await until("something to resume with", () => session.session !== undefined);
    const there = await other.connect(peer, { session: session.session });
    expect(there.reused).toBe(false);
    expect(await echo(there, "in full")).toBe("in full");
  });
});

/** What a right ClientHello has, for those that bend one thing. */
const hello = {
  supportedGroups: [NamedGroup.secp256r1],
  ecPointFormats: [0],
  signatureAlgorithms: Object.values(SignatureScheme),
  extendedMasterSecret: true,
} as const;

describe.concurrent("over DTLS a certificate is worth nothing without its key, and a key nothing without a certificate", () => {
  test("G-CERT-11: another device's certificate, signed for with one's own key", async () => {
    await using over = await DtlsTestGateway.start();
    const [victim, thief] = [await over.at.peer("victim"), await over.at.peer("thief")];
    await using adversary = await AdversaryOverUdp.open(over.port, { shows: thief.tls });
    await adversary.hello();
    const { client } = adversary;
    const chain = [victim.minted.certificate.der, over.at.pki.issuing.certificate.der];
    adversary.send(client.certificate(chain), client.clientKeyExchange(), client.certificateVerify());
    adversary.send(client.changeCipherSpec(), client.finished());
    expect(await adversary.alert()).toBe("decrypt_error");
    expect(await over.at.refusal()).toBe("bad_proof_of_possession");
    expect(over.at.eventsOf("session.opened")).toEqual([]);
    // The twins: each of them with its own key.
    await over.connect(victim);
    await over.connect(thief);
  });

  test("G-CERT-12: CertificateVerify left out: what follows is not waited for, and nothing comes of it (A1)", async () => {
    await using over = await DtlsTestGateway.start({ limits: { dtlsHandshakeTimeoutMs: 1000 } });
    const peer = await over.at.peer("d1");
    await using adversary = await AdversaryOverUdp.open(over.port, { shows: peer.tls });
    await adversary.hello();
    const { client } = adversary;
    adversary.send(client.certificate(), client.clientKeyExchange());
    adversary.send(client.changeCipherSpec(), client.finished(), client.applicationData(Buffer.from("x")));
    expect(await over.at.refusal()).toBe("handshake_timeout");
    expect(over.at.eventsOf("session.opened")).toEqual([]);
    // The twin: with it.
    await using honest = await AdversaryOverUdp.open(over.port, { shows: peer.tls, seed: 2 });
    await honest.hello();
    const right = honest.client;
    honest.send(right.certificate(), right.clientKeyExchange(), right.certificateVerify());
    honest.send(right.changeCipherSpec(), right.finished());
    await over.at.event("session.opened");
  });

  test("G-CERT-02: an empty Certificate message, then the normal flow (U13)", async () => {
    await using over = await DtlsTestGateway.start();
    await using adversary = await AdversaryOverUdp.open(over.port);
    await adversary.hello();
    const { client } = adversary;
    adversary.send(client.emptyCertificate(), client.clientKeyExchange());
    adversary.send(client.changeCipherSpec(), client.finished());
    expect(await adversary.alert()).toBe("handshake_failure");
    expect(await over.at.refusal()).toBe("no_certificate");
    expect(over.at.eventsOf("session.opened")).toEqual([]);
  });

  test.each([
    "TLS_PSK_WITH_AES_128_CCM_8",
    "TLS_PSK_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256",
  ])("P-04: pre-shared keys (%s) are not taken: there is no suite in common", async (suite) => {
    await using over = await DtlsTestGateway.start();
    await using adversary = await AdversaryOverUdp.open(over.port, { suite, extensions: hello });
    await adversary.hello();
    expect(await adversary.alert()).toBe("handshake_failure");
    expect(await over.at.refusal()).toBe("tls_no_shared_cipher");
    await over.connect(await over.at.peer("d1"));
  });

  test("P-12: without the extended master secret nobody enters, but by the name of the switch", async () => {
    const { extendedMasterSecret: _, ...without } = hello;
    await using over = await DtlsTestGateway.start();
    await using adversary = await AdversaryOverUdp.open(over.port, { extensions: without });
    await adversary.hello();
    expect(await adversary.alert()).toBe("handshake_failure");
    expect(await over.at.refusal()).toBe("no_extended_master_secret");

    await using open = await DtlsTestGateway.start({ dangerouslyAllowMissingExtendedMasterSecret: true });
    await using old = await AdversaryOverUdp.open(open.port, { extensions: without });
    await old.hello();
    expect(old.client.heardRecords.some(({ type }) => type === 21)).toBe(false);
    expect(open.at.eventsOf("connection.refused")).toEqual([]);
  });
});

async function crl(issuer: Minted, revoked: readonly Minted[]): Promise<CertificateList> {
  const der = await signCertificateList(
    {
      issuer: issuer.name,
      thisUpdate: ago(1),
      nextUpdate: ago(-7),
      revoked: revoked.map(({ certificate }) => ({
        serialNumber: certificate.serialNumber,
        revocationDate: ago(0.5),
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
