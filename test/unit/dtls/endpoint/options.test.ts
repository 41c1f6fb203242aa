import { describe, expect, test, vi } from "vitest";
import type { PeerClaim } from "../../../../dtls/association/outputs.ts";
import { KeySigner } from "../../../../dtls/crypto/signature.ts";
import { certificateCredential, rawPublicKeyCredential } from "../../../../dtls/endpoint/credentials.ts";
import { defaults } from "../../../../dtls/endpoint/defaults.ts";
import type { ConnectOptions, ListenOptions } from "../../../../dtls/endpoint/options.ts";
import { readConnectOptions } from "../../../../dtls/endpoint/read-connect-options.ts";
import { readListenOptions } from "../../../../dtls/endpoint/read-listen-options.ts";
import { AuthenticatedPeer } from "../../../../dtls/handshake/peer.ts";
import type { SignatureScheme } from "../../../../dtls/wire/registry.ts";
import {
  daysFromNow,
  mintCa,
  mintDevice,
  mintRoot,
  mintServer,
  NOW,
} from "../../../support/chain-builder.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";

const root = mintRoot();
const leaf = mintServer(root, ["gateway.example"]);
const rsa = mintServer(root, ["gateway.example"], { key: "rsa:2048" });
const pem = { cert: leaf.pem, key: leaf.keyPem };
const ca = root.pem;
const key = Buffer.from("0123456789abcdef");

const listening = (options: Partial<ListenOptions> = {}) =>
  readListenOptions({ port: 0, ...pem, ca, ...options });
const connecting = (options: ConnectOptions = { ca }) => readConnectOptions("gateway.example", 5684, options);

const question = {
  serverName: undefined,
  certificateTypes: ["X509"],
  signatureSchemes: [0x0403, 0x0401],
  certificateAuthorities: [],
} as const;

const claim: PeerClaim = {
  certificateType: "X509",
  chain: [],
  pskIdentity: undefined,
  serverName: undefined,
  address: { address: "192.0.2.1", port: 1 },
  resumed: false,
};

/** Options as JavaScript may have them. */
function loose(options: object): Partial<ListenOptions> & ConnectOptions {
  return options;
}

describe("verifyPeer", () => {
  const psk = { ...claim, certificateType: "PSK", pskIdentity: Buffer.from("a") } as const;

  test.each([undefined, false, null])(
    "that says %s refuses, at once or later, as does one that throws (A1)",
    async (no) => {
      const plans = [no, Promise.resolve(no)].flatMap((answer) => {
        const verifyPeer = () => answer;
        return [
          listening({ ca: undefined, verifyPeer, psk: { a: key } }),
          connecting({ verifyPeer, psk: { identity: "a", key } }),
        ];
      });
      for (const { knowledge } of plans) {
        for (const asked of [claim, psk]) {
          const answer = async () => await knowledge.verify(asked);
          await expect(answer()).rejects.toThrow(
            expect.objectContaining({ code: "DTLS_CERTIFICATE_UNKNOWN" }),
          );
        }
      }
    },
  );

  test.each([true, 0, "", "d1"])("that says %s accepts, and that is the identity", async (identity) => {
    const verifyPeer = () => identity;
    expect(await listening({ ca: undefined, verifyPeer }).knowledge.verify(claim)).toBe(identity);
    expect(await connecting({ verifyPeer: async () => identity }).knowledge.verify(claim)).toBe(identity);
  });
});

describe("the end of a session (U11)", () => {
  const short = mintCa(root, { notAfter: daysFromNow(3) });
  const device = mintDevice(short, "d", { notAfter: daysFromNow(9) });
  const shown = { ...claim, chain: [device.der, short.der] };
  const peer = AuthenticatedPeer.restored(shown, undefined);

  test("with ca a session ends with the first certificate of its path, a CA's too", () => {
    vi.setSystemTime(NOW);
    const plan = listening();
    expect(plan.expiresAt(plan.knowledge.verify(shown), peer)).toBe(daysFromNow(3).getTime());
    vi.useRealTimers();
  });

  test("with verifyPeer the peer's own certificate counts, and nothing that an identity looks like", () => {
    const verifyPeer = () => ({ notAfter: daysFromNow(99) });
    const plan = listening({ ca: undefined, verifyPeer });
    expect(plan.expiresAt(verifyPeer(), peer)).toBe(daysFromNow(9).getTime());
  });
});

describe("an option that is not known is refused, with a hint where there is one", () => {
  test.each([
    [{ handshakeTimeut: 1 }, /handshakeTimeut is not an option of listen/],
    [{ rejectUnauthorized: false }, /dangerouslyAcceptAnyPeer/],
    [{ requestCert: false }, /dangerouslyAllowAnonymousClients/],
    [{ ecdhCurve: "auto" }, /groups/],
    [{ secureContext: {} }, /belongs into the secureContext/],
    [{ isServer: true }, /serves both sides/],
    [{ crl: "" }, /recheck/],
    [{ servername: "a" }, /servername/],
  ])("listen %j", (options, message) => {
    expect(() => listening(loose(options))).toThrow(message);
    expect(dtlsErrorCode(() => listening(loose(options)))).toBe("DTLS_OPTIONS_INVALID");
  });

  test.each([
    [{ maxSessions: 1 }],
    [{ ticketKeys: new Uint8Array(48) }],
    [{ rejectUnauthorized: false }],
    [{ host: "a" }],
  ])("connect %j", (options) => {
    expect(dtlsErrorCode(() => connecting(loose({ ca, ...options })))).toBe("DTLS_OPTIONS_INVALID");
  });

  test("what is undefined is left out, and what says yes to what is always done is no mistake", () => {
    expect(() => listening(loose({ nonsense: undefined, mtu: undefined }))).not.toThrow();
    expect(() => listening({ rejectUnauthorized: true, requestCert: true })).not.toThrow();
  });
});

describe("a value out of range is refused", () => {
  test.each<[string, object]>([
    ["mtu", { mtu: 255 }],
    ["mtu", { mtu: 1200.5 }],
    ["port", { port: 65_536 }],
    ["handshakeTimeout", { handshakeTimeout: 0 }],
    ["recordSizeLimit", { recordSizeLimit: 63 }],
    ["maxSessions", { maxSessions: 0 }],
    ["maxSessionsPerHost", { maxSessionsPerHost: "many" }],
    ["maxHandshakes", { maxHandshakes: -1 }],
    ["idleTimeout", { idleTimeout: Number.NaN }],
    ["sessionTimeout", { sessionTimeout: 604_801 }],
    ["ticketKeys", { ticketKeys: new Uint8Array(47) }],
    ["retransmission.initialMs", { retransmission: { initialMs: 1 } }],
    ["retransmission.maximumMs", { retransmission: { initialMs: 2000, maximumMs: 1000 } }],
    ["groups", { groups: ["secp521r1"] }],
    ["groups", { groups: [] }],
    ["groups", { groups: ["toString"] }],
    ["signatureSchemes", { signatureSchemes: ["rsa_pkcs1_sha1"] }],
    ["ciphers", { ciphers: "TLS_RSA_WITH_AES_128_CBC_SHA" }],
    ["ciphers", { ciphers: ["PSK-AES128-CCM8"] }],
    ["alpn", { alpn: [""] }],
    ["alpn", { alpn: ["x".repeat(256)] }],
    ["peerCertificateTypes", { peerCertificateTypes: ["OpenPGP"] }],
    ["peerCertificateTypes", { peerCertificateTypes: ["RawPublicKey"] }],
    ["dangerouslyAllowAnonymousClients", { dangerouslyAllowAnonymousClients: true }],
    ["connectionId", { connectionId: "yes" }],
    ["returnRoutabilityCheck", { connectionId: false, returnRoutabilityCheck: true }],
    ["verifyPeer", { ca: undefined, verifyPeer: "all" }],
    ["expiresAt", { expiresAt: new Date() }],
    ["psk", { psk: {} }],
    ["psk", { psk: { a: "" } }],
    ["pskIdentityHint", { pskIdentityHint: "x" }],
    ["restore.key", { restore: { key: new Uint8Array(16), associations: new Uint8Array() } }],
    ["worker", { worker: { index: 256 } }],
    ["udpTTL", { udpTTL: 256 }],
  ])("%s", (name, options) => {
    expect(() => listening(loose(options))).toThrow(name);
    expect(dtlsErrorCode(() => listening(loose(options)))).toBe("DTLS_OPTIONS_INVALID");
  });
});

describe("who is let in has to be said", () => {
  test("a server that shows a certificate needs ca or verifyPeer, or the dangerous name (U13)", () => {
    expect(dtlsErrorCode(() => readListenOptions({ port: 0, ...pem }))).toBe("DTLS_OPTIONS_INVALID");
    const none = { port: 0, ...pem, dangerouslyAllowAnonymousClients: "none" } as const;
    expect(readListenOptions(none).association.clientAuth).toBe("none");
    expect(listening().association.clientAuth).toBe("required");
    expect(listening({ ca: undefined, verifyPeer: () => 1 }).association.clientAuth).toBe("required");
    expect(listening({ ca: undefined, dangerouslyAcceptAnyPeer: true }).acceptsAnyPeer).toBe(true);
  });

  test("one way of judging, not several", () => {
    expect(dtlsErrorCode(() => listening({ verifyPeer: () => 1 }))).toBe("DTLS_OPTIONS_INVALID");
    expect(dtlsErrorCode(() => listening({ dangerouslyAcceptAnyPeer: true }))).toBe("DTLS_OPTIONS_INVALID");
  });

  test("where nobody said how, no certificate is taken: fail closed (A4)", () => {
    const { knowledge } = readListenOptions({ port: 0, psk: { a: key } });
    expect(dtlsErrorCode(() => knowledge.verify(claim))).toBe("DTLS_CERTIFICATE_UNKNOWN");
    const client = readConnectOptions("a", 1, { psk: { identity: "a", key } });
    expect(dtlsErrorCode(() => client.knowledge.verify(claim))).toBe("DTLS_CERTIFICATE_UNKNOWN");
  });

  test("whom nobody is asked about is not judged: ca with clients that show nothing is a mistake (U13)", () => {
    const none = { dangerouslyAllowAnonymousClients: "none" } as const;
    expect(dtlsErrorCode(() => listening(none))).toBe("DTLS_OPTIONS_INVALID");
    const verifyPeer = () => 1;
    expect(dtlsErrorCode(() => listening({ ...none, ca: undefined, verifyPeer }))).toBe(
      "DTLS_OPTIONS_INVALID",
    );
    expect(listening({ ...none, ca: undefined }).association.clientAuth).toBe("none");
    expect(listening({ ...none, ca: undefined, verifyPeer, psk: { a: key } }).association.clientAuth).toBe(
      "none",
    );
  });

  test("a client needs ca, verifyPeer or a pre-shared key", () => {
    expect(dtlsErrorCode(() => connecting({}))).toBe("DTLS_OPTIONS_INVALID");
    expect(dtlsErrorCode(() => connecting({ ...pem }))).toBe("DTLS_OPTIONS_INVALID");
  });

  test("a server needs something to show", () => {
    expect(dtlsErrorCode(() => readListenOptions({ port: 0, ca }))).toBe("DTLS_OPTIONS_INVALID");
  });
});

describe("suites", () => {
  const names = (options: Partial<ListenOptions>) =>
    listening(options).association.cipherSuites.map(({ keyExchange }) => keyExchange);

  test("those that the keys allow", () => {
    expect(new Set(names({}))).toEqual(new Set(["ECDHE_ECDSA"]));
    expect(new Set(names({ cert: rsa.pem, key: rsa.keyPem }))).toEqual(new Set(["ECDHE_RSA"]));
    const choose = { cert: undefined, key: undefined, credentials: () => undefined };
    expect(new Set(names(choose))).toEqual(new Set(["ECDHE_ECDSA", "ECDHE_RSA"]));
  });

  test("RFC 9325 §4.1: pre-shared keys before certificates, forward secrecy before none (R15)", () => {
    const all = names({ psk: { a: key } });
    expect(all.indexOf("ECDHE_PSK")).toBe(0);
    expect(all.lastIndexOf("ECDHE_PSK")).toBeLessThan(all.indexOf("PSK"));
    expect(all.lastIndexOf("PSK")).toBeLessThan(all.indexOf("ECDHE_ECDSA"));
  });

  test("a list is taken in its own order, by either name, without what cannot be used", () => {
    const ciphers =
      "ECDHE-ECDSA-AES128-CCM8:TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256";
    expect(listening({ ciphers }).association.cipherSuites.map(({ name }) => name)).toEqual([
      "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
      "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    ]);
  });

  test("a client with nothing but a pre-shared key offers nothing else", () => {
    const plan = readConnectOptions("a", 1, { psk: { identity: "a", key } });
    expect(plan.association.cipherSuites.every(({ keyExchange }) => keyExchange.endsWith("PSK"))).toBe(true);
  });
});

describe("credentials", () => {
  test("a key must fit its certificate", () => {
    expect(dtlsErrorCode(() => listening({ key: rsa.keyPem }))).toBe("DTLS_OPTIONS_INVALID");
    expect(dtlsErrorCode(() => listening({ cert: undefined }))).toBe("DTLS_OPTIONS_INVALID");
    expect(dtlsErrorCode(() => listening({ credentials: certificateCredential(pem) }))).toBe(
      "DTLS_OPTIONS_INVALID",
    );
  });

  test("an encrypted key opens with its passphrase; without, the message holds nothing of the key", () => {
    const encrypted = leaf.key.export({
      format: "pem",
      type: "pkcs8",
      cipher: "aes-256-cbc",
      passphrase: "s3cret",
    });
    expect(
      certificateCredential({ cert: leaf.pem, key: encrypted, passphrase: "s3cret" }).chain,
    ).toHaveLength(1);
    const wrong = () => certificateCredential({ cert: leaf.pem, key: encrypted, passphrase: "guess" });
    expect(dtlsErrorCode(wrong)).toBe("DTLS_OPTIONS_INVALID");
    // Nothing of the key, of the passphrase, or of what OpenSSL said about it.
    expect(wrong).toThrow(/^key holds no private key in PEM form, or the passphrase is missing or wrong$/);
  });

  test("PEM may be bytes, and nonsense is refused", () => {
    expect(
      certificateCredential({ cert: Buffer.from(leaf.pem), key: Buffer.from(leaf.keyPem) }).chain,
    ).toHaveLength(1);
    for (const cert of [
      "",
      "nonsense",
      leaf.keyPem,
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ]) {
      expect(dtlsErrorCode(() => certificateCredential({ cert, key: leaf.keyPem }))).toBe(
        "DTLS_OPTIONS_INVALID",
      );
    }
    expect(dtlsErrorCode(() => rawPublicKeyCredential({ key: leaf.pem }))).toBe("DTLS_OPTIONS_INVALID");
  });

  test("of several, the first that the other side can use", () => {
    const credentials = [
      certificateCredential({ cert: rsa.pem, key: rsa.keyPem }),
      certificateCredential(pem),
    ];
    const { choose } = {
      choose: listening({ cert: undefined, key: undefined, credentials }).knowledge.credential,
    };
    expect(choose(question)).toBe(credentials[0]);
    expect(choose({ ...question, signatureSchemes: [0x0403] })).toBe(credentials[1]);
    expect(choose({ ...question, signatureSchemes: [0x0807] })).toBeUndefined();
    expect(choose({ ...question, certificateTypes: ["RawPublicKey"] })).toBeUndefined();
  });

  test("a signer that does not say its schemes makes no RSA-PSS", () => {
    const own = certificateCredential({ cert: rsa.pem, key: rsa.keyPem });
    const signer = {
      publicKey: own.signer.publicKey,
      sign: (bytes: Uint8Array, scheme: SignatureScheme) => new KeySigner(rsa.key).sign(bytes, scheme),
    };
    const credentials = { ...own, signer };
    const { knowledge } = listening({ cert: undefined, key: undefined, credentials });
    expect(knowledge.credential({ ...question, signatureSchemes: [0x0804] })).toBeUndefined();
    expect(knowledge.credential(question)).toBe(credentials);
  });

  test("SNI: a name's own, else the one for all, else unrecognized_name (R5)", () => {
    const other = certificateCredential({ cert: rsa.pem, key: rsa.keyPem });
    const named = (name: string | undefined) => ({ ...question, serverName: name });
    const both = listening({ sni: { "B.example": other } }).knowledge;
    expect(both.credential(named("b.EXAMPLE"))).toBe(other);
    expect(both.credential(named("a.example"))).toMatchObject({ certificateType: "X509" });
    const only = listening({ cert: undefined, key: undefined, sni: { "b.example": other } }).knowledge;
    expect(only.credential(named("b.example"))).toBe(other);
    expect(dtlsErrorCode(() => only.credential(named("a.example")))).toBe("DTLS_UNRECOGNIZED_NAME");
    expect(dtlsErrorCode(() => only.credential(named(undefined)))).toBe("DTLS_UNRECOGNIZED_NAME");
    expect(dtlsErrorCode(() => only.credential(named("constructor")))).toBe("DTLS_UNRECOGNIZED_NAME");
  });

  test("CertificateRequest names the subjects of ca, and none with verifyPeer (R7)", () => {
    const { certificateAuthorities } = listening().association;
    expect(Buffer.from(certificateAuthorities[0] ?? []).toString("hex")).toBe(
      Buffer.from(root.name.der).toString("hex"),
    );
    expect(listening({ ca: undefined, verifyPeer: () => 1 }).association.certificateAuthorities).toEqual([]);
  });
});

describe("pre-shared keys", () => {
  const find = (psk: ListenOptions["psk"], identity: Uint8Array) =>
    readListenOptions({ port: 0, psk }).knowledge.psk(identity, undefined);

  test("identities are compared by their bytes (R6)", () => {
    const identity = Buffer.from("pümpe");
    expect(find({ pümpe: key }, identity)).toMatchObject({ key: Uint8Array.from(key) });
    expect(find({ pümpe: key }, Buffer.from("pu\u0308mpe"))).toBeUndefined();
    expect(find({ a: key }, Buffer.from([0xff]))).toBeUndefined();
    expect(find({ a: key }, Buffer.from("constructor"))).toBeUndefined();
  });

  test("RFC 4279 §5.3: identities of 128 and keys of 64 bytes work (R6)", () => {
    const long = "x".repeat(128);
    expect(find({ [long]: new Uint8Array(64) }, Buffer.from(long))).toMatchObject({
      key: new Uint8Array(64),
    });
  });

  test("a look-up that gives no bytes is a failure of the callback, not a key", () => {
    const bad: ListenOptions["psk"] = () => new Uint8Array();
    expect(dtlsErrorCode(() => find(bad, key))).toBe("DTLS_OPTIONS_INVALID");
  });
});

test("the defaults are those that are documented", () => {
  const { association, limits, idleTimeoutMs, connectionIds } = listening();
  expect(association).toMatchObject({
    mtu: 1200,
    handshakeTimeoutMs: 60_000,
    retransmission: { initialMs: 1000, maximumMs: 60_000 },
    requireExtendedMasterSecret: true,
    returnRoutabilityCheck: true,
    sessionIds: true,
    sessionTickets: true,
    sessionLifetimeSeconds: 86_400,
    keyLog: false,
  });
  expect(limits).toMatchObject({ maxSessions: 10_000, maxSessionsPerHost: 1000, staleAfterMs: 1_800_000 });
  expect({ idleTimeoutMs, connectionIds }).toEqual({ idleTimeoutMs: 0, connectionIds: true });
  expect(listening().socket.host).toBe(defaults.host);
});

test("a client's names: SNI is the servername or the host; an empty one is not told, and proved all the same (A4)", () => {
  expect(connecting()).toMatchObject({
    peerName: "gateway.example",
    association: { serverName: "gateway.example" },
  });
  expect(connecting({ ca, servername: "b.example" })).toMatchObject({ peerName: "b.example" });
  const silent = connecting({ ca, servername: "" });
  expect(silent.peerName).toBe("gateway.example");
  expect(silent.association.serverName).toBeUndefined();
  const shown = { ...claim, chain: [mintServer(root, ["other.example"]).der] };
  expect(dtlsErrorCode(() => silent.knowledge.verify(shown))).toBe("DTLS_BAD_CERTIFICATE");
});

test("a session of an earlier process is not taken from another place in the options", () => {
  expect(dtlsErrorCode(() => connecting({ ca, session: mintDevice(root, "d").der }))).toBe(
    "DTLS_OPTIONS_INVALID",
  );
});
