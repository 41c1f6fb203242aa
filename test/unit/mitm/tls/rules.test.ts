import { beforeAll, describe, expect, test } from "vitest";
import type { Replacement } from "../../../../mitm/endpoint.ts";
import type { TlsClientOptions } from "../../../../mitm/tls/client.ts";
import { extension } from "../../../../mitm/tls/extensions.ts";
import {
  certificate12,
  certificate13,
  editClientHello,
  editServerHello,
  withExtension,
} from "../../../../mitm/tls/messages.ts";
import { ExtensionType, HandshakeType, type TlsVersion } from "../../../../mitm/tls/numbers.ts";
import type { TlsRule } from "../../../../mitm/tls/rules.ts";
import type { TlsServerOptions } from "../../../../mitm/tls/server.ts";
import {
  altered,
  doubled,
  duel,
  flipped,
  type Instead,
  instead,
  leftOut,
} from "../../../support/mitm/tls-duel.ts";
import { Parties } from "../../../support/mitm/tls-parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.create(["p256", "rsa:2048"]);
});

/** What an attacker on one side does, and the rule of the other side that stands against it. */
interface Row {
  readonly rule: TlsRule;
  readonly what: string;
  readonly versions: readonly TlsVersion[];
  readonly alert: string;
  readonly client?: () => Partial<TlsClientOptions>;
  readonly server?: () => Partial<TlsServerOptions>;
  /** Options of the side that is attacked. */
  readonly victim?: Partial<TlsClientOptions & TlsServerOptions>;
  /** Further rules that it cannot keep once it goes along. */
  readonly with?: readonly TlsRule[];
}

const both: readonly TlsVersion[] = ["TLS 1.2", "TLS 1.3"];
const only12: readonly TlsVersion[] = ["TLS 1.2"];
const only13: readonly TlsVersion[] = ["TLS 1.3"];
const attacker = { tolerates: "everything" } as const;
const zeros = new Uint8Array(32);

/** A client whose messages are changed; `of` is made late, when there are credentials. */
function client(of: () => Readonly<Record<string, Instead>>, more: Partial<TlsClientOptions> = {}) {
  return () => ({ ...attacker, outgoing: instead(of()), ...more });
}
function server(of: () => Readonly<Record<string, Instead>>, more: Partial<TlsServerOptions> = {}) {
  return () => ({ ...attacker, outgoing: instead(of()), ...more });
}

const applicationData: Replacement = {
  kind: "record",
  contentType: 23,
  fragment: Buffer.from("too early"),
};
const changeCipherSpec: Replacement = { kind: "record", contentType: 20, fragment: Uint8Array.of(1) };

/** `first` before the message itself. */
function after(first: readonly Replacement[], msgType: number): Instead {
  return (body) => [...first, { kind: "handshake", msgType, body }];
}

const otherKey = () => parties.the("device-rsa:2048").credential;

const rows: readonly Row[] = [
  // --- the client's proof ---
  {
    rule: "client-certificate-not-required",
    what: "an empty Certificate",
    versions: only13,
    alert: "certificate_required",
    client: () => ({ ...attacker, credential: undefined }),
  },
  {
    rule: "client-certificate-not-required",
    what: "an empty Certificate",
    versions: only12,
    alert: "handshake_failure",
    client: () => ({ ...attacker, credential: undefined }),
  },
  {
    rule: "certificate-message-not-required",
    what: "no Certificate, no CertificateVerify",
    versions: both,
    alert: "unexpected_message",
    client: client(() => ({ Certificate: leftOut, CertificateVerify: leftOut })),
  },
  {
    rule: "certificate-verify-not-required",
    what: "no CertificateVerify",
    versions: both,
    alert: "unexpected_message",
    client: client(() => ({ CertificateVerify: leftOut })),
  },
  {
    rule: "certificate-verify-not-verified",
    what: "a signature with a bit flipped",
    versions: both,
    alert: "decrypt_error",
    client: client(() => ({
      CertificateVerify: altered(HandshakeType.certificate_verify, (body) => flipped(body)),
    })),
  },
  {
    rule: "certificate-verify-not-verified",
    what: "the key of another",
    versions: both,
    alert: "decrypt_error",
    client: () => {
      const { credential } = parties.the("device-p256");
      return { ...attacker, credential: { ...credential, key: parties.the("gateway-p256").credential.key } };
    },
  },
  {
    rule: "second-certificate-accepted",
    what: "a further Certificate before CertificateVerify is asked for",
    versions: only12,
    alert: "unexpected_message",
    client: client(() => ({
      Certificate: (body) => [
        { kind: "handshake", ...certificate12(otherKey().chain) },
        { kind: "handshake", msgType: HandshakeType.certificate, body },
      ],
    })),
  },
  {
    rule: "second-certificate-accepted",
    what: "a further Certificate after CertificateVerify",
    versions: only13,
    alert: "unexpected_message",
    client: client(() => ({
      CertificateVerify: (body) => [
        { kind: "handshake", msgType: HandshakeType.certificate_verify, body },
        { kind: "handshake", ...certificate13(otherKey().chain) },
      ],
    })),
  },
  // --- the server's proof ---
  {
    rule: "certificate-verify-not-verified",
    what: "a server's signature with a bit flipped",
    versions: only13,
    alert: "decrypt_error",
    server: server(() => ({
      CertificateVerify: altered(HandshakeType.certificate_verify, (body) => flipped(body)),
    })),
  },
  {
    rule: "certificate-verify-not-required",
    what: "a server without CertificateVerify",
    versions: only13,
    alert: "unexpected_message",
    server: server(() => ({ CertificateVerify: leftOut })),
  },
  {
    rule: "certificate-message-not-required",
    what: "a server without Certificate",
    versions: only13,
    alert: "unexpected_message",
    server: server(() => ({ Certificate: leftOut, CertificateVerify: leftOut })),
  },
  {
    rule: "server-key-exchange-not-verified",
    what: "a ServerKeyExchange with a bit of its signature flipped",
    versions: only12,
    alert: "decrypt_error",
    server: server(() => ({
      ServerKeyExchange: altered(HandshakeType.server_key_exchange, (body) => flipped(body)),
    })),
  },
  {
    rule: "server-key-exchange-not-required",
    what: "no ServerKeyExchange",
    versions: only12,
    alert: "unexpected_message",
    server: server(() => ({ ServerKeyExchange: leftOut }), { sharedSecret: zeros }),
  },
  {
    rule: "certificate-message-not-required",
    what: "a server without Certificate",
    versions: only12,
    alert: "unexpected_message",
    server: server(() => ({ Certificate: leftOut })),
    with: ["server-key-exchange-not-verified"],
  },
  // --- Finished ---
  {
    rule: "finished-not-verified",
    what: "a client's Finished with a bit flipped",
    versions: both,
    alert: "decrypt_error",
    client: client(() => ({ Finished: altered(HandshakeType.finished, (body) => flipped(body)) })),
  },
  {
    rule: "finished-not-verified",
    what: "a server's Finished with a bit flipped",
    versions: both,
    alert: "decrypt_error",
    server: server(() => ({ Finished: altered(HandshakeType.finished, (body) => flipped(body)) })),
  },
  {
    rule: "finished-length-not-checked",
    what: "an empty Finished",
    versions: both,
    alert: "decode_error",
    client: client(() => ({ Finished: altered(HandshakeType.finished, () => new Uint8Array()) })),
  },
  {
    rule: "finished-length-not-checked",
    what: "a Finished of a server that is cut",
    versions: both,
    alert: "decode_error",
    server: server(() => ({ Finished: altered(HandshakeType.finished, (body) => body.subarray(0, 4)) })),
  },
  // --- order ---
  {
    rule: "change-cipher-spec-not-required",
    what: "Finished without ChangeCipherSpec",
    versions: only12,
    alert: "unexpected_message",
    client: client(() => ({ ChangeCipherSpec: leftOut })),
  },
  {
    rule: "change-cipher-spec-not-required",
    what: "a server's Finished without ChangeCipherSpec",
    versions: only12,
    alert: "unexpected_message",
    server: server(() => ({ ChangeCipherSpec: leftOut })),
  },
  {
    rule: "early-change-cipher-spec",
    what: "ChangeCipherSpec before ClientKeyExchange",
    versions: only12,
    alert: "unexpected_message",
    client: client(() => ({
      ClientKeyExchange: after([changeCipherSpec], HandshakeType.client_key_exchange),
    })),
  },
  {
    rule: "early-change-cipher-spec",
    what: "ChangeCipherSpec before ServerHelloDone",
    versions: only12,
    alert: "unexpected_message",
    server: server(() => ({
      ServerHelloDone: after([changeCipherSpec], HandshakeType.server_hello_done),
    })),
  },
  {
    rule: "application-data-before-finished",
    what: "application data before Finished",
    versions: both,
    alert: "unexpected_message",
    client: client(() => ({ Finished: after([applicationData], HandshakeType.finished) })),
    // TLS 1.2 has ChangeCipherSpec before it, and then nothing but Finished.
  },
  {
    rule: "application-data-before-finished",
    what: "application data of a server before Finished",
    versions: both,
    alert: "unexpected_message",
    server: server(() => ({ Finished: after([applicationData], HandshakeType.finished) })),
  },
  {
    rule: "duplicate-messages-accepted",
    what: "ClientKeyExchange twice",
    versions: only12,
    alert: "unexpected_message",
    client: client(() => ({ ClientKeyExchange: doubled(HandshakeType.client_key_exchange) })),
  },
  {
    rule: "duplicate-messages-accepted",
    what: "CertificateVerify twice",
    versions: both,
    alert: "unexpected_message",
    client: client(() => ({ CertificateVerify: doubled(HandshakeType.certificate_verify) })),
  },
  {
    rule: "duplicate-messages-accepted",
    what: "EncryptedExtensions twice",
    versions: only13,
    alert: "unexpected_message",
    server: server(() => ({ EncryptedExtensions: doubled(HandshakeType.encrypted_extensions) })),
  },
  {
    rule: "unexpected-messages-ignored",
    what: "a message that no RFC has",
    versions: both,
    alert: "unexpected_message",
    client: client(() => ({
      Certificate: after(
        [{ kind: "handshake", msgType: 99, body: Buffer.from("?") }],
        HandshakeType.certificate,
      ),
    })),
  },
  // --- negotiation, the server wrong ---
  {
    rule: "unoffered-cipher-suite",
    what: "a suite that was not offered",
    versions: only13,
    alert: "illegal_parameter",
    server: server(() => ({
      ServerHello: altered(HandshakeType.server_hello, (body) =>
        editServerHello(body, () => ({ cipherSuite: 0x1303 })),
      ),
    })),
    victim: { cipherSuites: [0x1301] },
  },
  {
    rule: "unoffered-cipher-suite",
    what: "a suite that was not offered",
    versions: only12,
    alert: "illegal_parameter",
    server: server(() => ({
      ServerHello: altered(HandshakeType.server_hello, (body) =>
        editServerHello(body, () => ({ cipherSuite: 0xc02c })),
      ),
    })),
    victim: { cipherSuites: [0xc02b] },
  },
  {
    rule: "compression-accepted",
    what: "compression",
    versions: both,
    alert: "illegal_parameter",
    server: server(() => ({
      ServerHello: altered(HandshakeType.server_hello, (body) =>
        editServerHello(body, () => ({ compressionMethod: 1 })),
      ),
    })),
  },
  {
    rule: "session-id-echo-not-checked",
    what: "another session id",
    versions: only13,
    alert: "illegal_parameter",
    server: server(() => ({
      ServerHello: altered(HandshakeType.server_hello, (body) =>
        editServerHello(body, () => ({ sessionId: zeros })),
      ),
    })),
  },
  {
    rule: "unsolicited-extension",
    what: "an extension in EncryptedExtensions that was not asked for",
    versions: only13,
    alert: "unsupported_extension",
    server: () => ({
      ...attacker,
      extensions: [{ extensionType: 0xfafa, extensionData: new Uint8Array() }],
    }),
  },
  {
    rule: "unsolicited-extension",
    what: "an extension in ServerHello that was not asked for",
    versions: only12,
    alert: "unsupported_extension",
    server: () => ({
      ...attacker,
      extensions: [{ extensionType: 0xfafa, extensionData: new Uint8Array() }],
    }),
  },
  {
    rule: "duplicate-extension",
    what: "an extension twice in ServerHello",
    versions: both,
    alert: "illegal_parameter",
    server: server(() => ({
      ServerHello: altered(HandshakeType.server_hello, (body) =>
        editServerHello(body, ({ extensions }) => ({
          extensions: [...(extensions ?? []), ...(extensions ?? []).slice(0, 1)],
        })),
      ),
    })),
  },
  {
    rule: "alpn-not-checked",
    what: "a protocol that was not offered",
    versions: both,
    alert: "illegal_parameter",
    server: () => ({ ...attacker, extensions: [extension.applicationProtocols(["evil"])] }),
    victim: { alpn: ["mqtt"] },
  },
  {
    rule: "extended-master-secret-not-required",
    what: "a server without extended_master_secret",
    versions: only12,
    alert: "handshake_failure",
    server: server(() => ({
      ServerHello: altered(HandshakeType.server_hello, (body) =>
        editServerHello(body, ({ extensions }) => ({
          extensions: withExtension(extensions, ExtensionType.extended_master_secret, undefined),
        })),
      ),
    })),
  },
  {
    rule: "renegotiation-info-not-checked",
    what: "a server without renegotiation_info",
    versions: only12,
    alert: "handshake_failure",
    server: server(() => ({
      ServerHello: altered(HandshakeType.server_hello, (body) =>
        editServerHello(body, ({ extensions }) => ({
          extensions: withExtension(extensions, ExtensionType.renegotiation_info, undefined),
        })),
      ),
    })),
  },
  {
    rule: "legacy-version-accepted",
    what: "a ServerHello of TLS 1.0",
    versions: only12,
    alert: "protocol_version",
    server: server(() => ({
      ServerHello: altered(HandshakeType.server_hello, (body) =>
        editServerHello(body, () => ({ serverVersion: 0x0301 })),
      ),
    })),
  },
  {
    rule: "invalid-key-share",
    what: "an X25519 share of zeros",
    versions: only13,
    alert: "illegal_parameter",
    server: server(
      () => ({
        ServerHello: altered(HandshakeType.server_hello, (body) =>
          editServerHello(body, ({ extensions }) => ({
            extensions: withExtension(
              extensions,
              ExtensionType.key_share,
              extension.keyShare({ group: 29, keyExchange: zeros }).extensionData,
            ),
          })),
        ),
      }),
      { sharedSecret: zeros },
    ),
  },
  {
    rule: "unoffered-group",
    what: "a share of a group that was not offered",
    versions: only13,
    alert: "illegal_parameter",
    server: server(
      () => ({
        ServerHello: altered(HandshakeType.server_hello, (body) =>
          editServerHello(body, ({ extensions }) => ({
            extensions: withExtension(
              extensions,
              ExtensionType.key_share,
              extension.keyShare({ group: 30, keyExchange: new Uint8Array(56) }).extensionData,
            ),
          })),
        ),
      }),
      { sharedSecret: zeros },
    ),
  },
  // --- negotiation, the client wrong ---
  {
    rule: "extended-master-secret-not-required",
    what: "a client without extended_master_secret",
    versions: only12,
    alert: "handshake_failure",
    client: client(() => ({
      ClientHello: altered(HandshakeType.client_hello, (body) =>
        editClientHello(body, ({ extensions }) => ({
          extensions: withExtension(extensions, ExtensionType.extended_master_secret, undefined),
        })),
      ),
    })),
  },
  {
    rule: "duplicate-extension",
    what: "an extension twice in ClientHello",
    versions: both,
    alert: "illegal_parameter",
    client: client(() => ({
      ClientHello: altered(HandshakeType.client_hello, (body) =>
        editClientHello(body, ({ extensions }) => ({
          extensions: [...(extensions ?? []), ...(extensions ?? []).slice(0, 1)],
        })),
      ),
    })),
  },
  {
    rule: "alpn-not-checked",
    what: "no protocol in common",
    versions: both,
    alert: "no_application_protocol",
    client: () => ({ ...attacker, alpn: ["http/1.1"] }),
    victim: { alpn: ["mqtt"] },
  },
  {
    rule: "alpn-not-required",
    what: "no ALPN",
    versions: both,
    alert: "no_application_protocol",
    client: () => ({ ...attacker }),
    victim: { alpn: ["mqtt"] },
  },
  {
    rule: "server-name-not-checked",
    what: "the name of somebody else",
    versions: both,
    alert: "unrecognized_name",
    client: () => ({ ...attacker, serverName: "other.test" }),
    victim: { serverNames: ["gateway.test"] },
  },
  {
    rule: "malformed-hello-accepted",
    what: "a name with a NUL",
    versions: both,
    alert: "illegal_parameter",
    client: () => ({ ...attacker, serverName: Buffer.from("gateway.test\0.evil") }),
  },
  {
    rule: "invalid-key-share",
    what: "an X25519 share of zeros",
    versions: only13,
    alert: "illegal_parameter",
    client: client(
      () => ({
        ClientHello: altered(HandshakeType.client_hello, (body) =>
          editClientHello(body, ({ extensions }) => ({
            extensions: withExtension(
              extensions,
              ExtensionType.key_share,
              extension.keyShares([{ group: 29, keyExchange: zeros }]).extensionData,
            ),
          })),
        ),
      }),
      { sharedSecret: zeros },
    ),
  },
  {
    rule: "fallback-signal-ignored",
    what: "TLS_FALLBACK_SCSV",
    versions: only12,
    alert: "inappropriate_fallback",
    client: client(() => ({
      ClientHello: altered(HandshakeType.client_hello, (body) =>
        editClientHello(body, ({ cipherSuites }) => ({ cipherSuites: [...cipherSuites, 0x5600] })),
      ),
    })),
    victim: { versions: both },
  },
  {
    rule: "certificate-context-not-checked",
    what: "a Certificate with a context",
    versions: only13,
    alert: "illegal_parameter",
    client: client(() => ({
      Certificate: () => {
        const { chain } = parties.the("device-p256").credential;
        return [{ kind: "handshake", ...certificate13(chain, Uint8Array.of(1)) }];
      },
    })),
  },
  {
    rule: "certificate-context-not-checked",
    what: "a Certificate of a server with a context",
    versions: only13,
    alert: "illegal_parameter",
    server: server(() => ({
      Certificate: () => {
        const { chain } = parties.the("gateway-p256").credential;
        return [{ kind: "handshake", ...certificate13(chain, Uint8Array.of(1)) }];
      },
    })),
  },
  {
    rule: "changed-second-hello",
    what: "another suite after a HelloRetryRequest",
    versions: only13,
    alert: "illegal_parameter",
    server: () => {
      let hellos = 0;
      return {
        ...attacker,
        helloRetry: true,
        cipherSuites: [0x1301],
        outgoing: instead({
          ServerHello: (body) => {
            hellos += 1;
            const cipherSuite = hellos === 1 ? 0x1301 : 0x1303;
            const changed = editServerHello(body, () => ({ cipherSuite }));
            return [{ kind: "handshake", msgType: HandshakeType.server_hello, body: changed }];
          },
        }),
      };
    },
  },
  {
    rule: "malformed-hello-accepted",
    what: "compression methods in TLS 1.3",
    versions: only13,
    alert: "illegal_parameter",
    client: client(() => ({
      ClientHello: altered(HandshakeType.client_hello, (body) =>
        editClientHello(body, () => ({ compressionMethods: [0, 1] })),
      ),
    })),
  },
  {
    rule: "malformed-hello-accepted",
    what: "no signature_algorithms",
    versions: only13,
    alert: "missing_extension",
    client: client(() => ({
      ClientHello: altered(HandshakeType.client_hello, (body) =>
        editClientHello(body, ({ extensions }) => ({
          extensions: withExtension(extensions, ExtensionType.signature_algorithms, undefined),
        })),
      ),
    })),
  },
  // --- sizes ---
  {
    rule: "handshake-size-unbounded",
    what: "a Certificate of more than the limit",
    versions: both,
    alert: "illegal_parameter",
    client: () => {
      const { credential } = parties.the("device-p256");
      const more = Array.from({ length: 150 }, () => new Uint8Array(1000));
      return { ...attacker, credential: { ...credential, chain: [...credential.chain, ...more] } };
    },
  },
];

describe("what a strict end refuses, and one that lacks the rule goes along with", () => {
  for (const row of rows) {
    for (const version of row.versions) {
      const side = row.client === undefined ? "server" : "client";
      test(`${version}, ${side}: ${row.what} (${row.rule})`, async () => {
        const versions = [version];
        const run = (tolerates: ReadonlySet<string>) => {
          const victim = { versions, tolerates, ...row.victim };
          return row.client === undefined
            ? duel(parties.client(victim), parties.server({ versions, ...row.server?.() }))
            : duel(parties.client({ versions, ...row.client() }), parties.server(victim));
        };
        const strict = await run(new Set());
        const refusal = row.client === undefined ? strict.ofClient : strict.ofServer;
        expect(refusal).toMatchObject({ completed: false, byThisEnd: true, alert: row.alert });

        const weak = await run(new Set([row.rule, ...(row.with ?? [])]));
        const taken = row.client === undefined ? weak.ofClient : weak.ofServer;
        expect(taken).toMatchObject({ completed: true });
        const attackers = row.client === undefined ? weak.ofServer : weak.ofClient;
        expect(attackers).toMatchObject({ completed: true });

        // And the session that came of it works.
        weak.client.send(Buffer.from("c2s"));
        weak.server.send(Buffer.from("s2c"));
        expect(await dataOf(weak.server)).toContain("c2s");
        expect(await dataOf(weak.client)).toContain("s2c");
      });
    }
  }
});

/** The first application data, after what may have come too early. */
async function dataOf(end: { receive(timeoutMs: number): Promise<unknown> }): Promise<string> {
  let text = "";
  for (let reads = 0; reads < 2; reads += 1) {
    const received = await end.receive(5000);
    if (typeof received !== "object" || received === null || !("data" in received)) return String(received);
    text += Buffer.from(received.data instanceof Uint8Array ? received.data : []).toString();
    if (text.includes("c2s") || text.includes("s2c")) return text;
  }
  return text;
}
