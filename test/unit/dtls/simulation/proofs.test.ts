import { describe, expect, test } from "vitest";
import { verifyData } from "../../../../dtls/crypto/prf.ts";
import { NamedGroup, SignatureScheme } from "../../../../dtls/wire/registry.ts";
import {
  deviceCredential,
  impostorOf,
  rawPublicKey,
  serverCredential,
} from "../../../support/dtls/credentials.ts";
import { DuelWithClient, DuelWithServer } from "../../../support/dtls/duel.ts";
import { signNow } from "../../../support/dtls/key-exchange.ts";
import { suiteNamed } from "../../../support/dtls/settings.ts";

/*
 * A peer that does all right but one thing, with real keys: its Finished fits what it sent. Each test has its valid
 * twin in `the valid twin`.
 */

const device = deviceCredential();
const gateway = serverCredential();

/** Says what is named; a function makes the datagram itself. */
function tellServer(
  options: ConstructorParameters<typeof DuelWithServer>[0],
  script: readonly (string | ((duel: DuelWithServer) => Uint8Array))[],
): DuelWithServer {
  const duel = new DuelWithServer(options);
  for (const line of script) {
    if (typeof line === "string") duel.say(line);
    else duel.feed(line(duel));
  }
  return duel;
}

function tellClient(
  options: ConstructorParameters<typeof DuelWithClient>[0],
  script: readonly (string | ((duel: DuelWithClient) => Uint8Array))[],
): DuelWithClient {
  const duel = new DuelWithClient(options);
  for (const line of script) {
    if (typeof line === "string") duel.say(line);
    else duel.feed(line(duel));
  }
  return duel;
}

const hellos = ["CLIENT_HELLO", "CLIENT_HELLO_WITH_COOKIE"] as const;
const end = ["CHANGE_CIPHER_SPEC", "FINISHED"] as const;

describe("a server that demands client certificates", () => {
  test("the valid twin", () => {
    const duel = tellServer({}, [
      ...hellos,
      "CERTIFICATE",
      "CLIENT_KEY_EXCHANGE",
      "CERTIFICATE_VERIFY",
      ...end,
    ]);
    expect(duel.session?.established).toBe(true);
    expect(duel.session?.association.peer?.identity).toBe("d1");
  });

  test("RFC 5246 §7.4.6: an empty certificate list is answered by handshake_failure (A1, U13)", () => {
    const duel = tellServer({}, [...hellos, "EMPTY_CERTIFICATE", "CLIENT_KEY_EXCHANGE", ...end]);
    expect(duel.session?.established).toBe(false);
    expect(duel.session?.error?.code).toBe("DTLS_NO_CERTIFICATE");
    expect(duel.session?.error?.alert).toBe("handshake_failure");
  });

  test.each([
    ["no Certificate and no CertificateVerify", ["CLIENT_KEY_EXCHANGE", ...end]],
    ["no CertificateVerify", ["CERTIFICATE", "CLIENT_KEY_EXCHANGE", ...end]],
    ["an empty Certificate and no CertificateVerify", ["EMPTY_CERTIFICATE", "CLIENT_KEY_EXCHANGE", ...end]],
    ["CertificateVerify and no Certificate", ["CLIENT_KEY_EXCHANGE", "CERTIFICATE_VERIFY", ...end]],
    [
      "CertificateVerify before ClientKeyExchange",
      ["CERTIFICATE", "CERTIFICATE_VERIFY", "CLIENT_KEY_EXCHANGE", ...end],
    ],
    ["Finished and nothing else", end],
    [
      "two Certificates, the second an empty one",
      ["CERTIFICATE", "EMPTY_CERTIFICATE", "CLIENT_KEY_EXCHANGE", ...end],
    ],
  ])("RFC 5246 §7.4.8: %s is no proof, however right the Finished (A1, B1, U13)", (_, script) => {
    const duel = tellServer({}, [...hellos, ...script]);
    expect(duel.session?.established).toBe(false);
    expect(duel.session?.association.peer).toBeUndefined();
  });

  test("RFC 5246 §7.4.8: somebody else's certificate with one's own signature is no proof (A1)", () => {
    const duel = tellServer({ adversary: { credential: impostorOf(device) } }, [
      ...hellos,
      "CERTIFICATE",
      "CLIENT_KEY_EXCHANGE",
      "CERTIFICATE_VERIFY",
      ...end,
    ]);
    expect(duel.session?.error?.code).toBe("DTLS_BAD_SIGNATURE");
  });

  test("RFC 5246 §7.4.8: a signature over another transcript is no proof: it cannot be taken from elsewhere (A1)", () => {
    const elsewhere = tellServer({ seed: 99 }, [...hellos, "CERTIFICATE", "CLIENT_KEY_EXCHANGE"]);
    const signature = signNow(
      device,
      Buffer.concat(elsewhere.adversary.transcript),
      SignatureScheme.ecdsa_secp256r1_sha256,
    );
    const duel = tellServer({}, [
      ...hellos,
      "CERTIFICATE",
      "CLIENT_KEY_EXCHANGE",
      ({ adversary }) => adversary.certificateVerify({ signature }),
      ...end,
    ]);
    expect(duel.session?.error?.code).toBe("DTLS_BAD_SIGNATURE");
  });

  test("RFC 5246 §7.4.8: a signature algorithm that CertificateRequest did not offer is refused (A2)", () => {
    const duel = tellServer(
      {
        server: {
          signatureSchemes: [
            SignatureScheme.ed25519,
            SignatureScheme.rsa_pss_rsae_sha256,
            SignatureScheme.ecdsa_secp256r1_sha256,
          ],
        },
      },
      [
        ...hellos,
        "CERTIFICATE",
        "CLIENT_KEY_EXCHANGE",
        ({ adversary }) => adversary.certificateVerify({ algorithm: SignatureScheme.ecdsa_secp384r1_sha384 }),
        ...end,
      ],
    );
    expect(duel.session?.error?.code).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test("RFC 5246 §7.4.8: a signature algorithm that does not fit the certificate's key is refused (A2)", () => {
    const duel = tellServer({}, [
      ...hellos,
      "CERTIFICATE",
      "CLIENT_KEY_EXCHANGE",
      ({ adversary }) => adversary.certificateVerify({ algorithm: SignatureScheme.rsa_pkcs1_sha256 }),
      ...end,
    ]);
    expect(duel.session?.error?.code).toBe("DTLS_BAD_SIGNATURE");
  });

  test("a certificate that the application does not know is refused with its alert (A1, R7)", () => {
    const duel = tellServer({ adversary: { credential: deviceCredential("p256", "stranger") } }, [
      ...hellos,
      "CERTIFICATE",
      "CLIENT_KEY_EXCHANGE",
      "CERTIFICATE_VERIFY",
      ...end,
    ]);
    expect(duel.session?.error?.code).toBe("DTLS_UNKNOWN_CA");
    expect(duel.session?.established).toBe(false);
  });

  test.each([0, 5, 11])("RFC 5246 §7.4.9: a Finished that is wrong in byte %i is refused (A3)", (at) => {
    const duel = tellServer({}, [
      ...hellos,
      "CERTIFICATE",
      "CLIENT_KEY_EXCHANGE",
      "CERTIFICATE_VERIFY",
      "CHANGE_CIPHER_SPEC",
      ({ adversary }) => {
        const verifyData = Uint8Array.from(adversary.verifyData());
        verifyData[at] = (verifyData[at] ?? 0) ^ 1;
        return adversary.finished({ verifyData });
      },
    ]);
    expect(duel.session?.error?.code).toBe("DTLS_BAD_FINISHED");
  });

  test("RFC 5246 §7.4.9: the server's own label makes no Finished of a client (A3)", () => {
    const duel = tellServer({ server: { sessionIds: false } }, [
      ...hellos,
      "CERTIFICATE",
      "CLIENT_KEY_EXCHANGE",
      "CERTIFICATE_VERIFY",
      "CHANGE_CIPHER_SPEC",
      ({ adversary }) => {
        const { suite, masterSecret = new Uint8Array() } = adversary;
        const own = verifyData(suite.prfHash, masterSecret, "server", adversary.transcriptHash());
        return adversary.finished({ verifyData: own });
      },
    ]);
    expect(duel.session?.error?.code).toBe("DTLS_BAD_FINISHED");
  });
});

describe("a client", () => {
  const start = ["HELLO_VERIFY_REQUEST", "SERVER_HELLO"] as const;
  const rest = ["SERVER_HELLO_DONE", ...end] as const;

  test.each([true, false])("the valid twin (asked for a certificate: %s)", (asked) => {
    const request = asked ? ["CERTIFICATE_REQUEST"] : [];
    const duel = tellClient({}, [...start, "CERTIFICATE", "SERVER_KEY_EXCHANGE", ...request, ...rest]);
    expect(duel.session.established, String(duel.session.error)).toBe(true);
    expect(duel.session.association.peer?.identity).toBe("the gateway");
  });

  test("RFC 8422 §5.4: a ServerKeyExchange whose signature is wrong ends the handshake (A2)", () => {
    const duel = tellClient({}, [...start, "CERTIFICATE", "WRONG_SERVER_KEY_EXCHANGE", ...rest]);
    expect(duel.session.error?.code).toBe("DTLS_BAD_SIGNATURE");
  });

  test("RFC 8422 §5.4: somebody else's certificate with one's own key exchange ends the handshake (A2)", () => {
    const duel = tellClient({ adversary: { credential: impostorOf(gateway) } }, [
      ...start,
      "CERTIFICATE",
      "SERVER_KEY_EXCHANGE",
      ...rest,
    ]);
    expect(duel.session.error?.code).toBe("DTLS_BAD_SIGNATURE");
  });

  test("RFC 8422 §5.4: a signature of another handshake, with other randoms, does not verify (A2)", () => {
    const elsewhere = tellClient({ seed: 99 }, [...start, "CERTIFICATE"]);
    const stolen = elsewhere.adversary.serverKeyExchange();
    const duel = tellClient({}, [
      ...start,
      "CERTIFICATE",
      ({ adversary }) => adversary.message(12, stolen.subarray(13 + 12)),
      ...rest,
    ]);
    expect(duel.session.error?.code).toBe("DTLS_BAD_SIGNATURE");
  });

  test.each([
    ["no ServerKeyExchange", ["CERTIFICATE"]],
    ["no Certificate", ["SERVER_KEY_EXCHANGE"]],
    ["neither", []],
    ["an empty Certificate", ["EMPTY_CERTIFICATE", "SERVER_KEY_EXCHANGE"]],
    ["them in the wrong order", ["SERVER_KEY_EXCHANGE", "CERTIFICATE"]],
  ])("RFC 5246 §7.3: %s is no server (A2, B1)", (_, script) => {
    const duel = tellClient({}, [...start, ...script, ...rest]);
    expect(duel.session.established).toBe(false);
    expect(duel.session.closed).toBe(true);
  });

  test("RFC 5246 §7.4.3: a signature algorithm that ClientHello did not offer is refused (A2)", () => {
    const duel = tellClient({ client: { signatureSchemes: [SignatureScheme.ecdsa_secp384r1_sha384] } }, [
      ...start,
      "CERTIFICATE",
      "SERVER_KEY_EXCHANGE",
      ...rest,
    ]);
    expect(duel.session.error?.code).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test("a certificate that the application does not know is refused (A4)", () => {
    const duel = tellClient({ application: { known: new Map() } }, [
      ...start,
      "CERTIFICATE",
      "SERVER_KEY_EXCHANGE",
      ...rest,
    ]);
    expect(duel.session.error?.code).toBe("DTLS_UNKNOWN_CA");
  });

  test("the application is told which name the server must have (A4)", () => {
    const names: (string | undefined)[] = [];
    tellClient(
      {
        application: {
          onquestion: (question) => {
            if (question.kind === "peer") names.push(question.claim.serverName);
            return undefined;
          },
        },
      },
      [...start, "CERTIFICATE", "SERVER_KEY_EXCHANGE", ...rest],
    );
    expect(names).toEqual(["gateway.example"]);
  });

  test("RFC 5246 §7.4.9: a Finished that is wrong is refused (A3)", () => {
    const duel = tellClient({}, [
      ...start,
      "CERTIFICATE",
      "SERVER_KEY_EXCHANGE",
      "SERVER_HELLO_DONE",
      "CHANGE_CIPHER_SPEC",
      "WRONG_FINISHED",
    ]);
    expect(duel.session.error?.code).toBe("DTLS_BAD_FINISHED");
  });

  test("RFC 8422 §5.4: a group that was not offered is refused (A5)", () => {
    const duel = tellClient({ client: { groups: [NamedGroup.x25519] } }, [
      ...start,
      "CERTIFICATE",
      "SERVER_KEY_EXCHANGE",
    ]);
    expect(duel.session.error?.code).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test("RFC 5246 §7.4.2: a key of another kind than the suite's is refused (A2)", () => {
    const credential = serverCredential("rsa:2048");
    const adversary = { credential, scheme: SignatureScheme.rsa_pkcs1_sha256 };
    const duel = tellClient({ adversary }, [...start, "CERTIFICATE", "SERVER_KEY_EXCHANGE", ...rest]);
    expect(duel.session.error?.code).toBe("DTLS_BAD_CERTIFICATE");
  });

  test("RFC 5246 §7.4.5: a ServerHelloDone with something in it is malformed (E5)", () => {
    const duel = tellClient({}, [
      ...start,
      "CERTIFICATE",
      "SERVER_KEY_EXCHANGE",
      ({ adversary }) => adversary.message(14, Uint8Array.of(0)),
      ...end,
    ]);
    expect(duel.session.error?.code).toBe("DTLS_DECODE_ERROR");
  });

  test("RFC 5246 §7.4.1.3: a suite that was not offered is refused (A5)", () => {
    const suite = suiteNamed("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    const duel = tellClient({ adversary: { suite } }, start);
    expect(duel.session.error?.code).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test.each([
    ["DTLS 1.0", 0xfeff],
    ["TLS 1.2", 0x0303],
    ["DTLS 1.3, which is not negotiated so", 0xfefc],
  ])("RFC 5246 §7.4.1.3: %s is refused (A5, R15)", (_, serverVersion) => {
    const duel = tellClient({}, [
      "HELLO_VERIFY_REQUEST",
      ({ adversary }) => adversary.serverHello({ serverVersion }),
    ]);
    expect(duel.session.error?.code).toBe("DTLS_PROTOCOL_VERSION");
  });

  test("RFC 5246 §7.4.1.3: a compression method is refused (A5)", () => {
    const duel = tellClient({}, [
      "HELLO_VERIFY_REQUEST",
      ({ adversary }) => adversary.serverHello({ compressionMethod: 1 }),
    ]);
    expect(duel.session.error?.code).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test.each([
    ["ALPN", { applicationProtocol: "coap" }],
    ["a connection id", { connectionId: Uint8Array.of(1, 2) }],
    ["a session ticket", { sessionTicket: true }],
    ["a raw public key", { serverCertificateType: 2 }],
    ["record_size_limit", { recordSizeLimit: 100 }],
    ["max_fragment_length", { maxFragmentLength: 1 }],
  ] as const)("RFC 5246 §7.4.1.4: %s that was not asked for is refused (A5)", (_, unasked) => {
    const extensions = { extendedMasterSecret: true, ...unasked } as const;
    const duel = tellClient({ adversary: { extensions } }, start);
    expect(duel.session.error?.code).toBe("DTLS_UNSUPPORTED_EXTENSION");
    expect(duel.session.error?.alert).toBe("unsupported_extension");
  });

  test("RFC 7301 §3.2: an application protocol other than those offered is refused (A5)", () => {
    const extensions = { extendedMasterSecret: true, applicationProtocol: "mqtt" } as const;
    const duel = tellClient({ adversary: { extensions }, client: { alpnProtocols: ["coap"] } }, start);
    expect(duel.session.error?.code).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test("RFC 7627 §5.2: a server without extended master secret is refused (R8)", () => {
    const duel = tellClient({ adversary: { extensions: {} } }, start);
    expect(duel.session.error?.code).toBe("DTLS_NO_EXTENDED_MASTER_SECRET");
  });

  test("RFC 6347 §4.2.1: a HelloVerifyRequest after ServerHello starts nothing anew (A6, B1)", () => {
    const duel = tellClient({}, [...start, "HELLO_VERIFY_REQUEST"]);
    expect(duel.session.closed).toBe(true);
    expect(duel.session.error?.code).toBe("DTLS_UNEXPECTED_MESSAGE");
  });
});

describe("what must be the same in the second ClientHello", () => {
  test("RFC 6347 §4.2.1: the handshake is that of the second one alone, and Finished covers it (A6)", () => {
    // Somebody changed the suites of the first ClientHello on the way; the second one arrives as it was sent.
    const duel = new DuelWithServer();
    duel.feed(duel.adversary.clientHello({ cipherSuites: [0xc0ac, 0xc02b] }));
    for (const name of duel.rightOrder.slice(1)) duel.say(name);
    expect(duel.session?.established).toBe(true);
    expect(duel.session?.association.cipherSuite?.id).toBe(0xc02b);
  });
});

describe("raw public keys", () => {
  const RawPublicKey = 2;
  const ownKey = rawPublicKey(device);
  const gatewayKey = rawPublicKey(gateway);
  const server = { peerCertificateTypes: ["RawPublicKey"], ownCertificateTypes: ["RawPublicKey"] } as const;
  const helloExtensions = {
    supportedGroups: [NamedGroup.secp256r1],
    signatureAlgorithms: [SignatureScheme.ecdsa_secp256r1_sha256],
    extendedMasterSecret: true,
    clientCertificateTypes: [RawPublicKey],
    serverCertificateTypes: [RawPublicKey],
  } as const;
  const application = { credentials: [gatewayKey], known: new Map([["d1", ownKey]]) };
  const script = [...hellos, "CERTIFICATE", "CLIENT_KEY_EXCHANGE", "CERTIFICATE_VERIFY", ...end] as const;

  test("RFC 7250 §4: the valid twin, both ways", () => {
    const adversary = { credential: ownKey, extensions: helloExtensions };
    const duel = tellServer({ server, application, adversary }, script);
    expect(duel.session?.established, String(duel.session?.error)).toBe(true);
    expect(duel.session?.association.peer?.certificateType).toBe("RawPublicKey");
    expect(duel.session?.association.peer?.identity).toBe("d1");
  });

  test("RFC 7250 §6: a key that the application does not know is refused (A8)", () => {
    const credential = rawPublicKey(deviceCredential("p256", "stranger"));
    const adversary = { credential, extensions: helloExtensions };
    const duel = tellServer({ server, application, adversary }, script);
    expect(duel.session?.established).toBe(false);
    expect(duel.session?.error?.code).toBe("DTLS_UNKNOWN_CA");
  });

  test("a known key with another one's signature is no proof (A1, A8)", () => {
    const adversary = { credential: impostorOf(ownKey), extensions: helloExtensions };
    const duel = tellServer({ server, application, adversary }, script);
    expect(duel.session?.error?.code).toBe("DTLS_BAD_SIGNATURE");
  });

  test("RFC 7250 §4: a certificate where a raw public key was negotiated is refused (A5)", () => {
    const adversary = { credential: device, extensions: helloExtensions };
    const duel = tellServer({ server, application, adversary }, script);
    expect(duel.session?.established).toBe(false);
    expect(duel.session?.closed).toBe(true);
  });

  test("RFC 7250 §6: a client refuses a server whose key it does not know (A4, A8)", () => {
    const extensions = {
      extendedMasterSecret: true,
      clientCertificateType: RawPublicKey,
      serverCertificateType: RawPublicKey,
    } as const;
    const talk = (known: typeof gatewayKey) =>
      tellClient(
        {
          client: server,
          application: { credentials: [ownKey], known: new Map([["the gateway", known]]) },
          adversary: { credential: gatewayKey, extensions },
        },
        [
          "HELLO_VERIFY_REQUEST",
          "SERVER_HELLO",
          "CERTIFICATE",
          "SERVER_KEY_EXCHANGE",
          "SERVER_HELLO_DONE",
          ...end,
        ],
      );
    expect(talk(gatewayKey).session.established).toBe(true);
    const refused = talk(ownKey).session;
    expect(refused.established).toBe(false);
    expect(refused.error?.code).toBe("DTLS_UNKNOWN_CA");
  });
});
