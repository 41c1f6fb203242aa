/**
 * What a device must refuse in a gateway over DTLS. Each case runs against two servers: the attacker's, which must get
 * neither a session, nor a message, nor the device's certificate; and its valid twin, which must get a session.
 */
import { createSocket } from "node:dgram";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type ConnectDtlsOptions,
  connectDtls,
  DeviceError,
  type DeviceErrorCode,
  identityFromSigner,
  openDtlsSession,
} from "../../device-client/index.ts";
import {
  type CertificateList,
  ExtendedKeyUsage,
  exportPublicKey,
  keyIdentifierOf,
  makeExtension,
  parseCertificateList,
  signCertificateList,
  spkiPin,
} from "../../pki/index.ts";
import { showing, startDtlsServer } from "../support/dtls-server.ts";
import {
  deviceRecipe,
  dnsName,
  gatewayRecipe,
  issuingRecipe,
  type Minted,
  type MintedPki,
  mint,
  mintPki,
  rootRecipe,
} from "../support/minted-pki.ts";
import { until } from "../support/until.ts";

const day = 24 * 60 * 60 * 1000;
const yesterday = new Date(Date.now() - day);

let pki: MintedPki;
let revoked: Minted;
let crls: CertificateList[];

beforeAll(async () => {
  pki = await mintPki();
  revoked = await mint(gatewayRecipe(pki.issuing));
  crls = [await crlOf(pki.root), await crlOf(pki.issuing, revoked)];
});

interface Case {
  /** What the attacker shows, leaf first. */
  readonly rogue: () => Promise<readonly [Minted, ...Minted[]]>;
  readonly code: DeviceErrorCode;
  /** Code of the PkiError underneath. */
  readonly rule?: RegExp;
  /** The alert that the attacker is sent. */
  readonly alert: RegExp;
  /** What the device asks for, of the attacker and of the twin alike. */
  readonly asks?: () => Partial<ConnectDtlsOptions>;
  /** Of the attacker alone. */
  readonly asksRogue?: (port: number) => Partial<ConnectDtlsOptions>;
}

const untrusted = "DEVICE_GATEWAY_UNTRUSTED";
const wrongName = "DEVICE_GATEWAY_NAME_MISMATCH";

const cases: Record<string, Case> = {
  "a rogue root of the same name": {
    rogue: async () => {
      const root = await mint(rootRecipe());
      const issuing = await mint(issuingRecipe(root));
      return [await mint(gatewayRecipe(issuing)), issuing];
    },
    code: untrusted,
    rule: /PKI_PATH_(BAD_SIGNATURE|UNKNOWN_ISSUER)/,
    alert: /^(bad_certificate|unknown_ca)$/,
  },
  "another root": {
    rogue: async () => {
      const root = await mint(rootRecipe({ commonName: "Another" }));
      const issuing = await mint(issuingRecipe(root, { commonName: "Another issuing" }));
      return [await mint(gatewayRecipe(issuing)), issuing];
    },
    code: untrusted,
    rule: /PKI_PATH_UNKNOWN_ISSUER/,
    alert: /^unknown_ca$/,
  },
  "a self-signed certificate of the right name": {
    rogue: async () => {
      const { issuer: _, ...recipe } = gatewayRecipe(pki.issuing);
      return [await mint(recipe)];
    },
    code: untrusted,
    rule: /PKI_PATH_SELF_SIGNED/,
    alert: /^unknown_ca$/,
  },
  "an expired certificate": {
    rogue: async () => [
      await mint(
        gatewayRecipe(pki.issuing, { notBefore: new Date(Date.now() - 9 * day), notAfter: yesterday }),
      ),
      pki.issuing,
    ],
    code: untrusted,
    rule: /PKI_PATH_EXPIRED/,
    alert: /^certificate_expired$/,
  },
  "a certificate that is not valid yet": {
    rogue: async () => [
      await mint(gatewayRecipe(pki.issuing, { notBefore: new Date(Date.now() + day) })),
      pki.issuing,
    ],
    code: untrusted,
    rule: /PKI_PATH_NOT_YET_VALID/,
    alert: /^certificate_expired$/,
  },
  "another host's certificate": {
    rogue: async () => [
      await mint(gatewayRecipe(pki.issuing, { subjectAltName: [dnsName("other.test")] })),
      pki.issuing,
    ],
    code: wrongName,
    rule: /PKI_PATH_NAME_MISMATCH/,
    alert: /^certificate_unknown$/,
  },
  "the name in the common name alone": {
    rogue: async () => [
      await mint(gatewayRecipe(pki.issuing, { commonName: "gateway.test", subjectAltName: undefined })),
      pki.issuing,
    ],
    code: wrongName,
    alert: /^certificate_unknown$/,
  },
  "a device's certificate": {
    rogue: async () => [await mint(deviceRecipe(pki.issuing)), pki.issuing],
    code: untrusted,
    rule: /PKI_PATH_EXTENDED_KEY_USAGE/,
    alert: /^bad_certificate$/,
  },
  "a certificate for clients with the gateway's name": {
    rogue: async () => [
      await mint(gatewayRecipe(pki.issuing, { extendedKeyUsage: [ExtendedKeyUsage.clientAuth] })),
      pki.issuing,
    ],
    code: untrusted,
    rule: /PKI_PATH_EXTENDED_KEY_USAGE/,
    alert: /^bad_certificate$/,
  },
  "a revoked certificate": {
    rogue: async () => [revoked, pki.issuing],
    code: untrusted,
    rule: /PKI_PATH_REVOKED/,
    alert: /^certificate_revoked$/,
    asks: () => ({ crls, revocation: "require" }),
  },
  "no revocation list where one is required": {
    rogue: async () => [pki.gateway, pki.issuing],
    code: untrusted,
    rule: /PKI_PATH_CRL_MISSING/,
    alert: /^bad_certificate$/,
    asksRogue: () => ({ revocation: "require" }),
  },
  "a good certificate with another key than the pinned ones": {
    rogue: async () => [await mint(gatewayRecipe(pki.issuing)), pki.issuing],
    code: "DEVICE_PIN_MISMATCH",
    alert: /^certificate_unknown$/,
    asks: () => ({ pins: [spkiPin(pki.gateway.certificate)] }),
  },
  "the pinned key under another name": {
    rogue: async () => [
      await mint(
        gatewayRecipe(pki.issuing, { signer: pki.gateway.signer, subjectAltName: [dnsName("other.test")] }),
      ),
      pki.issuing,
    ],
    code: wrongName,
    alert: /^certificate_unknown$/,
    asks: () => ({ pins: [spkiPin(pki.gateway.certificate)] }),
  },
  "the right gateway, asked for by a name that it does not have": {
    rogue: async () => [pki.gateway, pki.issuing],
    code: wrongName,
    alert: /^certificate_unknown$/,
    asksRogue: (port) => ({ gateway: { host: "127.0.0.1", port, serverName: "elsewhere.test" } }),
  },
};

describe.concurrent("a device refuses over DTLS", () => {
  test.each(Object.entries(cases))("%s", async (_title, one) => {
    const { asks = () => ({}), asksRogue = () => ({}) } = one;
    const [leaf, ...above] = await one.rogue();
    await using rogue = await startDtlsServer(showing({ signer: leaf.signer, chain: [leaf, ...above] }));
    const refusals: unknown[] = [];
    rogue.endpoint.on("refused", ({ error, claim }) => refusals.push([error.peerAlert, claim]));

    const error = await failure(connectDtls({ ...options(rogue.port), ...asks(), ...asksRogue(rogue.port) }));
    expect(error.code).toBe(one.code);
    expect(ruleOf(error)).toMatch(one.rule ?? /^/);
    expect([rogue.handshakes, rogue.arrived]).toEqual([[], []]);
    // The alert of this device, which went out in the place of its certificate.
    await until("the attacker hears why", () => refusals.length > 0);
    expect(refusals[0]).toEqual([expect.stringMatching(one.alert), undefined]);

    const serving = { signer: pki.gateway.signer, chain: [pki.gateway, pki.issuing] };
    await using honest = await startDtlsServer(showing(serving));
    await using session = await connectDtls({ ...options(honest.port), ...asks() });
    expect(session.state).toBe("connected");
  });

  test("a gateway's right certificate in the hands of somebody without its key", async () => {
    const thief = await mint(gatewayRecipe(pki.issuing));
    await using rogue = await startDtlsServer({
      credentials: {
        certificateType: "X509",
        chain: [pki.gateway.certificate.der, pki.issuing.certificate.der],
        signer: thief.signer,
      },
    });
    const error = await failure(connectDtls(options(rogue.port)));
    expect(error.code).toBe(untrusted);
    expect([rogue.handshakes, rogue.arrived]).toEqual([[], []]);
  });

  test("again and again, with no word of it relaxed", async () => {
    const leaf = await mint(gatewayRecipe(pki.issuing, { subjectAltName: [dnsName("other.test")] }));
    await using rogue = await startDtlsServer(showing({ signer: leaf.signer, chain: [leaf, pki.issuing] }));
    await using session = openDtlsSession({ ...options(rogue.port), reconnect: { minMs: 1, maxMs: 10 } });
    const codes: string[] = [];
    session.on("refused", ({ error }) => codes.push(error.code));
    await until("five refusals", () => codes.length >= 5);
    expect(new Set(codes)).toEqual(new Set([wrongName]));
    expect([rogue.handshakes, rogue.arrived]).toEqual([[], []]);
  });

  test("a resumed session of a gateway whose certificate was meanwhile revoked", async () => {
    const leaf = await mint(gatewayRecipe(pki.issuing));
    await using server = await startDtlsServer(showing({ signer: leaf.signer, chain: [leaf, pki.issuing] }));
    let now = new Date();
    await using session = await connectDtls({
      ...options(server.port),
      now: () => now,
      reconnect: { minMs: 1, maxMs: 10 },
    });
    const refused = new Promise<DeviceError>((resolve) =>
      session.once("refused", ({ error }) => resolve(error)),
    );
    // By the device's clock the certificate has ended; what it resumes is judged by the clock of now.
    now = new Date(leaf.certificate.notAfter.getTime() + 1000);
    await server.closeAll();
    expect((await refused).code).toBe(untrusted);
    expect(server.handshakes).toHaveLength(1);
  });

  test("whatever comes from elsewhere than the gateway", async () => {
    const serving = { signer: pki.gateway.signer, chain: [pki.gateway, pki.issuing] };
    await using server = await startDtlsServer(showing(serving));
    await using session = await connectDtls(options(server.port));
    const got: Uint8Array[] = [];
    session.on("message", (data) => got.push(data));
    const [{ remoteAddress } = { remoteAddress: { port: 0 } }] = server.sessions;
    const stranger = createSocket("udp4");
    const forged = [
      // RFC 6347 §4.1: application data, a fatal alert and a ClientHello, all of epoch 0.
      Buffer.from("17fefd0000000000000064000568656c6c6f", "hex"),
      Buffer.from("15fefd00000000000000650002022a", "hex"),
      Buffer.alloc(1200, 0x16),
      Buffer.alloc(1, 0),
    ];
    for (const datagram of forged) stranger.send(datagram, remoteAddress.port, "127.0.0.1");
    session.send("still here");
    await until("the answer", () => got.length > 0);
    expect(got.map((data) => Buffer.from(data).toString())).toEqual(["still here"]);
    stranger.close();
  });
});

function options(port: number): ConnectDtlsOptions {
  const identity = identityFromSigner(pki.device.signer, {
    certificate: pki.device.pem + pki.issuing.pem,
    ca: pki.root.pem,
  });
  return {
    identity,
    gateway: { host: "127.0.0.1", port, serverName: "gateway.test" },
    connectTimeoutMs: 5000,
  };
}

async function crlOf(issuer: Minted, ...certificates: readonly Minted[]): Promise<CertificateList> {
  const der = await signCertificateList(
    {
      issuer: issuer.name,
      thisUpdate: yesterday,
      nextUpdate: new Date(Date.now() + 7 * day),
      revoked: certificates.map(({ certificate }) => ({
        serialNumber: certificate.serialNumber,
        revocationDate: yesterday,
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

function ruleOf({ cause }: DeviceError): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

async function failure(work: Promise<unknown>): Promise<DeviceError> {
  const error = await work.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof DeviceError) return error;
  throw error;
}
