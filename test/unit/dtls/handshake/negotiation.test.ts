import { describe, expect, test } from "vitest";
import { suites } from "../../../../dtls/crypto/suites.ts";
import { stepServer } from "../../../../dtls/handshake/server12.ts";
import { CertificateRequest } from "../../../../dtls/wire/certificate.ts";
import { ClientKeyExchangePsk } from "../../../../dtls/wire/key-exchange.ts";
import { decode, encode } from "../../../../dtls/wire/presentation.ts";
import { HandshakeType, NamedGroup, SignatureScheme } from "../../../../dtls/wire/registry.ts";
import { Prng } from "../../../../mitm/prng.ts";
import { rawPublicKey, serverCredential } from "../../../support/dtls/credentials.ts";
import { dtlsErrorCode as refusal } from "../../../support/dtls/dtls-error-code.ts";
import { connectionIds, suiteNamed } from "../../../support/dtls/settings.ts";
import { answerClient, negotiate, serverContext } from "../../../support/dtls/steps.ts";

const p256 = serverCredential("p256");
const rsa = serverCredential("rsa:2048");
const ed25519 = serverCredential("ed25519");

const ecdsaGcm = suiteNamed("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
const rsaGcm = suiteNamed("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
const pskCcm8 = suiteNamed("TLS_PSK_WITH_AES_128_CCM_8");
const ecdhePsk = suiteNamed("TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256");
const both = { cipherSuites: [ecdsaGcm.id, rsaGcm.id] };

describe("RFC 5246 §7.4.1.2: what a ClientHello must have", () => {
  test("RFC 6347 §4.1: a version that cannot be DTLS 1.2 is a protocol_version alert (R5.1)", () => {
    for (const clientVersion of [0xfeff, 0xfefe, 0x0303, 0xfdff]) {
      expect(refusal(() => negotiate({}, { ...both, over: { clientVersion } }, p256))).toBe(
        "DTLS_PROTOCOL_VERSION",
      );
    }
  });

  test("RFC 6347 §4.1: a later version than 1.2 is answered by 1.2 (R5.1)", () => {
    expect(negotiate({}, { ...both, over: { clientVersion: 0xfefc } }, p256).hello.serverVersion).toBe(
      0xfefd,
    );
  });

  test("RFC 5246 §7.4.1.2: null compression must be offered, and is chosen (R5.5)", () => {
    const without = { ...both, over: { compressionMethods: [1] } };
    expect(refusal(() => negotiate({}, without, p256))).toBe("DTLS_ILLEGAL_PARAMETER");
    const with1 = { ...both, over: { compressionMethods: [1, 0] } };
    expect(negotiate({}, with1, p256).hello.compressionMethod).toBe(0);
  });

  test("RFC 7627 §5.2: without extended_master_secret there is no handshake, unless the listener allows it (R8)", () => {
    const without = { cipherSuites: [pskCcm8.id], noExtensions: true };
    const settings = { cipherSuites: [pskCcm8] };
    expect(refusal(() => negotiate(settings, without, undefined))).toBe("DTLS_NO_EXTENDED_MASTER_SECRET");
    const allowed = negotiate({ ...settings, requireExtendedMasterSecret: false }, without, undefined);
    expect(allowed.hello.cipherSuite).toBe(pskCcm8.id);
    expect(allowed.hello.extensions).toBeUndefined();
  });
});

describe("RFC 5246 §7.4.1.3: the suite fits the server's key and what the client can do", () => {
  test.each([
    ["P-256", p256, ecdsaGcm.id],
    ["Ed25519", ed25519, ecdsaGcm.id],
    ["RSA", rsa, rsaGcm.id],
  ] as const)("RFC 8422 §2: a key of %s goes with its own suites (R5.2)", (_name, credential, id) => {
    expect(negotiate({}, both, credential).hello.cipherSuite).toBe(id);
  });

  test("no suite in common is a handshake_failure (R5.2)", () => {
    expect(refusal(() => negotiate({}, { cipherSuites: [0x002f, 0x009c] }, p256))).toBe(
      "DTLS_NO_COMMON_SUITE",
    );
    expect(refusal(() => negotiate({}, { cipherSuites: [rsaGcm.id] }, p256))).toBe("DTLS_NO_COMMON_SUITE");
    expect(refusal(() => negotiate({}, both, undefined))).toBe("DTLS_NO_COMMON_SUITE");
  });

  test("no group in common is a handshake_failure (R5.2)", () => {
    const extensions = { supportedGroups: [25] };
    expect(refusal(() => negotiate({}, { ...both, extensions }, p256))).toBe("DTLS_NO_COMMON_SUITE");
  });

  test("RFC 8422 §5.1: a client that does not name the certificate's curve is not shown it (R5.2)", () => {
    const extensions = { supportedGroups: [NamedGroup.x25519] };
    expect(refusal(() => negotiate({}, { ...both, extensions }, p256))).toBe("DTLS_NO_COMMON_SUITE");
    expect(negotiate({}, { ...both, extensions }, ed25519).hello.cipherSuite).toBe(ecdsaGcm.id);
  });

  test("RFC 5246 §7.4.1.4.1: a key whose schemes the client does not offer is not used (R5.2)", () => {
    const extensions = { signatureAlgorithms: [SignatureScheme.rsa_pss_rsae_sha256] };
    expect(refusal(() => negotiate({}, { ...both, extensions }, p256))).toBe("DTLS_NO_COMMON_SUITE");
  });

  test("RFC 5246 §7.4.1.4.1: without signature_algorithms it would be SHA-1: refused (R5.4)", () => {
    const { requireExtendedMasterSecret } = { requireExtendedMasterSecret: false };
    const hello = { ...both, noExtensions: true };
    expect(refusal(() => negotiate({ requireExtendedMasterSecret }, hello, p256))).toBe(
      "DTLS_NO_COMMON_SUITE",
    );
  });

  test("RFC 8422 §4: without supported_groups P-256 is taken (R5.3)", () => {
    const hello = { cipherSuites: [ecdhePsk.id], noExtensions: true };
    const settings = { cipherSuites: [ecdhePsk], requireExtendedMasterSecret: false };
    const { messages } = negotiate(settings, hello, undefined);
    const exchange = messages.find(({ msgType }) => msgType === HandshakeType.server_key_exchange);
    // Hint of length 0, named_curve (3), secp256r1 (23).
    expect(exchange?.body.subarray(0, 5)).toEqual(Uint8Array.of(0, 0, 3, 0, NamedGroup.secp256r1));
  });

  test("a server with keys and certificates goes by its own order of suites (R5.2)", () => {
    const offer = { cipherSuites: [ecdsaGcm.id, pskCcm8.id] };
    const pskFirst = negotiate({ cipherSuites: [pskCcm8, ecdsaGcm] }, offer, p256);
    expect(pskFirst.hello.cipherSuite).toBe(pskCcm8.id);
    const certificatesFirst = negotiate({ cipherSuites: [ecdsaGcm, pskCcm8] }, offer, p256);
    expect(certificatesFirst.hello.cipherSuite).toBe(ecdsaGcm.id);
  });

  test("a client that offers certificates and a key, to a server without a certificate, gets the key (R5.2)", () => {
    const offer = { cipherSuites: [ecdsaGcm.id, pskCcm8.id] };
    expect(negotiate({ cipherSuites: [ecdsaGcm, pskCcm8] }, offer, undefined).hello.cipherSuite).toBe(
      pskCcm8.id,
    );
  });
});

describe("RFC 5246 §7.4.1.4: only what was offered is answered", () => {
  test("RFC 5246 §7.4.1.4: nothing unasked for (R5.6)", () => {
    const settings = {
      alpnProtocols: ["coap"],
      connectionIds: connectionIds(new Prng(1)),
      sessionTickets: true,
    };
    const { extensions } = negotiate(settings, both, p256);
    expect(Object.keys(extensions).toSorted()).toEqual([
      "ecPointFormats",
      "extendedMasterSecret",
      "renegotiationInfo",
    ]);
  });

  test("RFC 5746 §3.6: renegotiation_info is answered to the extension and to the signalling suite, not unasked (R8)", () => {
    const without = { renegotiationInfo: undefined };
    expect(
      negotiate({}, { ...both, extensions: without }, p256).extensions.renegotiationInfo,
    ).toBeUndefined();
    const scsv = { cipherSuites: [...both.cipherSuites, 0x00ff], extensions: without };
    expect(negotiate({}, scsv, p256).extensions.renegotiationInfo).toHaveLength(0);
  });

  test("RFC 5746 §3.6: a first ClientHello with renegotiated_connection is refused (R8)", () => {
    const extensions = { renegotiationInfo: Uint8Array.of(1) };
    expect(refusal(() => negotiate({}, { ...both, extensions }, p256))).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test("RFC 7301 §3.2: the server's preference among the client's protocols, or no_application_protocol (R5.8)", () => {
    const extensions = { applicationProtocols: ["mqtt", "coap"] };
    const chosen = negotiate({ alpnProtocols: ["coap", "mqtt"] }, { ...both, extensions }, p256);
    expect(chosen.extensions.applicationProtocol).toBe("coap");
    expect(refusal(() => negotiate({ alpnProtocols: ["h2"] }, { ...both, extensions }, p256))).toBe(
      "DTLS_NO_APPLICATION_PROTOCOL",
    );
    expect(negotiate({}, { ...both, extensions }, p256).extensions.applicationProtocol).toBeUndefined();
  });

  test("RFC 6066 §3: a server name that was used is acknowledged (R5.8)", () => {
    const extensions = { serverName: "gateway.example" };
    expect(negotiate({}, { ...both, extensions }, p256).extensions.serverName).toBe(true);
  });

  test("RFC 9146 §3: a connection id is negotiated only when both want it (R11.1)", () => {
    const ids = { connectionIds: connectionIds(new Prng(1)) };
    const extensions = { connectionId: new Uint8Array() };
    expect(negotiate(ids, { ...both, extensions }, p256).extensions.connectionId).toHaveLength(8);
    expect(negotiate({}, { ...both, extensions }, p256).extensions.connectionId).toBeUndefined();
    expect(negotiate(ids, both, p256).extensions.connectionId).toBeUndefined();
  });

  test("RFC 9853 §3: return_routability_check goes with connection_id alone (R12)", () => {
    const settings = { connectionIds: connectionIds(new Prng(1)), returnRoutabilityCheck: true };
    const rrc = { returnRoutabilityCheck: true } as const;
    const ids = { connectionId: new Uint8Array() };
    const answered = negotiate(settings, { ...both, extensions: { ...ids, ...rrc } }, p256);
    expect(answered.extensions.returnRoutabilityCheck).toBe(true);
    const alone = negotiate(settings, { ...both, extensions: rrc }, p256);
    expect(alone.extensions.returnRoutabilityCheck).toBeUndefined();
    const notOurs = { ...settings, returnRoutabilityCheck: false };
    const refused = negotiate(notOurs, { ...both, extensions: { ...ids, ...rrc } }, p256);
    expect(refused.extensions.returnRoutabilityCheck).toBeUndefined();
  });

  test("RFC 8449 §5: record_size_limit goes before max_fragment_length (R13.2)", () => {
    const extensions = { recordSizeLimit: 200, maxFragmentLength: 1 };
    const answered = negotiate({ recordSizeLimit: 1024 }, { ...both, extensions }, p256);
    expect(answered.extensions).toMatchObject({ recordSizeLimit: 1024 });
    expect(answered.extensions.maxFragmentLength).toBeUndefined();
    const alone = negotiate({}, { ...both, extensions: { maxFragmentLength: 1 } }, p256);
    expect(alone.extensions.maxFragmentLength).toBe(1);
  });

  test("RFC 7250 §4.2: a raw public key is shown to who asks for one, and X.509 to all others (R7)", () => {
    const settings = { ownCertificateTypes: ["RawPublicKey", "X509"] } as const;
    const extensions = { serverCertificateTypes: [2] };
    const { extensions: answered } = negotiate(settings, { ...both, extensions }, rawPublicKey(p256));
    expect(answered.serverCertificateType).toBe(2);
    expect(negotiate(settings, both, p256).extensions.serverCertificateType).toBeUndefined();
  });

  test("RFC 7250 §4.2: no client certificate type in common ends the handshake (R7)", () => {
    const extensions = { clientCertificateTypes: [2] };
    expect(refusal(() => negotiate({}, { ...both, extensions }, p256))).toBe("DTLS_UNSUPPORTED_CERTIFICATE");
  });
});

describe("RFC 5246 §7.4.4: CertificateRequest", () => {
  test("RFC 5246 §7.4.4: names types, algorithms and authorities (R7)", () => {
    const name = Uint8Array.of(0x30, 0x00);
    const { messages } = negotiate({ certificateAuthorities: [name] }, both, p256);
    const message = messages.find(({ msgType }) => msgType === HandshakeType.certificate_request);
    const request = decode("CertificateRequest", CertificateRequest, message?.body ?? new Uint8Array());
    expect(request.certificateTypes).toEqual([64, 1]);
    expect(request.supportedSignatureAlgorithms).toEqual(Object.values(SignatureScheme));
    expect(request.certificateAuthorities).toEqual([name]);
  });

  test("RFC 5246 §7.4.4: with pre-shared keys nobody is asked for a certificate (R6)", () => {
    const { messages } = negotiate({ cipherSuites: [pskCcm8] }, { cipherSuites: [pskCcm8.id] }, undefined);
    expect(messages.map(({ msgType }) => msgType)).toEqual([
      HandshakeType.server_hello,
      HandshakeType.server_hello_done,
    ]);
  });

  test("RFC 4279 §2: ServerKeyExchange is there only for a hint (R6)", () => {
    const pskIdentityHint = Buffer.from("gw");
    const hello = { cipherSuites: [pskCcm8.id] };
    const { messages } = negotiate({ cipherSuites: [pskCcm8], pskIdentityHint }, hello, undefined);
    expect(messages[1]?.msgType).toBe(HandshakeType.server_key_exchange);
  });
});

describe("RFC 5246 §7.4.1.3: a client takes from the server only what it offered", () => {
  const settings = { cipherSuites: [ecdsaGcm] };

  test("an answer within the offer goes on to the certificate (A5)", () => {
    expect(answerClient(settings, {}).state.expect).toBe("certificate");
  });

  test("RFC 5246 §7.4.1.3: another suite, known or not, is an illegal_parameter (A5)", () => {
    for (const cipherSuite of [...suites.map(({ id }) => id), 0x002f, 0x1301]) {
      if (cipherSuite === ecdsaGcm.id) continue;
      expect(refusal(() => answerClient(settings, { over: { cipherSuite } }))).toBe("DTLS_ILLEGAL_PARAMETER");
    }
  });

  test("RFC 5246 §7.4.1.3: another version is a protocol_version, another compression an illegal_parameter (A5)", () => {
    for (const serverVersion of [0xfeff, 0xfefc, 0x0303]) {
      expect(refusal(() => answerClient(settings, { over: { serverVersion } }))).toBe(
        "DTLS_PROTOCOL_VERSION",
      );
    }
    expect(refusal(() => answerClient(settings, { over: { compressionMethod: 1 } }))).toBe(
      "DTLS_ILLEGAL_PARAMETER",
    );
  });

  test("RFC 5246 §7.4.1.4: an extension that was not offered is an unsupported_extension (A5, R5.6)", () => {
    for (const extensions of [
      { sessionTicket: true },
      { connectionId: new Uint8Array(4) },
      { applicationProtocol: "coap" },
      { recordSizeLimit: 100 },
      { returnRoutabilityCheck: true },
    ] as const) {
      expect(refusal(() => answerClient(settings, { extensions }))).toBe("DTLS_UNSUPPORTED_EXTENSION");
    }
  });

  test("RFC 7627 §5.2: a server without extended_master_secret is refused (R8)", () => {
    const without = { over: { extensions: undefined } };
    expect(refusal(() => answerClient(settings, without))).toBe("DTLS_NO_EXTENDED_MASTER_SECRET");
    const allowed = answerClient({ ...settings, requireExtendedMasterSecret: false }, without);
    expect(allowed.state.expect).toBe("certificate");
  });

  test("RFC 5746 §3.4: a first ServerHello with renegotiated_connection is refused (R8)", () => {
    const extensions = { renegotiationInfo: Uint8Array.of(1) };
    expect(refusal(() => answerClient(settings, { extensions }))).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test("RFC 9853 §3: return_routability_check without connection_id is refused (R12)", () => {
    const wanted = {
      ...settings,
      connectionIds: connectionIds(new Prng(1), 0),
      returnRoutabilityCheck: true,
    };
    const extensions = { returnRoutabilityCheck: true } as const;
    expect(refusal(() => answerClient(wanted, { extensions }))).toBe("DTLS_ILLEGAL_PARAMETER");
  });
});

describe("the machine is a pure function", () => {
  test("a state can be stepped from more than once: one message leaves no trace for the next", () => {
    const { state } = negotiate({ cipherSuites: [pskCcm8] }, { cipherSuites: [pskCcm8.id] }, undefined);
    const identities = ["d1", "d2", "d1"].map((identity) => {
      const body = encode(ClientKeyExchangePsk, { pskIdentity: Buffer.from(identity) });
      const message = { msgType: HandshakeType.client_key_exchange, messageSeq: 1, body };
      const next = stepServer(state, { type: "message", message }, serverContext());
      return next.state.expect === "psk" ? Buffer.from(next.state.pskIdentity).toString() : next.state.expect;
    });
    expect(identities).toEqual(["d1", "d2", "d1"]);
    expect(state.expect).toBe("client_key_exchange");
  });
});
