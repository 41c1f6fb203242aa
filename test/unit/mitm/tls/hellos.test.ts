import { beforeAll, describe, expect, test } from "vitest";
import { compressedCertificate } from "../../../../mitm/tls/compressed-certificate.ts";
import { extension } from "../../../../mitm/tls/extensions.ts";
import {
  certificate13,
  editClientHello,
  editServerHello,
  withExtension,
} from "../../../../mitm/tls/messages.ts";
import { downgradeSentinel, ExtensionType, HandshakeType } from "../../../../mitm/tls/numbers.ts";
import { tlsRules } from "../../../../mitm/tls/rules.ts";
import { TlsSignatureScheme } from "../../../../mitm/tls/signatures.ts";
import { TicketKey } from "../../../../mitm/tls/tickets.ts";
import { weakSuiteKinds, weakSuites } from "../../../../mitm/tls/weak-suites.ts";
import { altered, duel, faceToFace, instead } from "../../../support/mitm/tls-duel.ts";
import { Parties } from "../../../support/mitm/tls-parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.create(["p256", "rsa:2048"]);
});

const attacker = { tolerates: "everything" } as const;
const tls12 = { versions: ["TLS 1.2"] } as const;
const tls13 = { versions: ["TLS 1.3"] } as const;
const lacks = (...rules: string[]) => ({ tolerates: new Set(rules) });

describe("signatures", () => {
  const cases = [
    ["PKCS #1 in TLS 1.3", tls13, "device-rsa:2048", TlsSignatureScheme.rsa_pkcs1_sha256],
    ["SHA-1 with ECDSA in TLS 1.3", tls13, "device-p256", TlsSignatureScheme.ecdsa_sha1],
    ["another curve's hash in TLS 1.3", tls13, "device-p256", TlsSignatureScheme.ecdsa_secp384r1_sha384],
    ["SHA-1 with RSA in TLS 1.2", tls12, "device-rsa:2048", TlsSignatureScheme.rsa_pkcs1_sha1],
    ["MD5 with RSA in TLS 1.2", tls12, "device-rsa:2048", TlsSignatureScheme.rsa_pkcs1_md5],
  ] as const;
  for (const [what, version, who, scheme] of cases) {
    test(what, async () => {
      const { credential } = parties.the(who);
      const client = { ...version, ...attacker, credential, proof: { scheme } };
      const strict = await duel(parties.client(client), parties.server(version));
      expect(strict.ofServer).toMatchObject({ completed: false, alert: "illegal_parameter" });
      const rule = lacks("unoffered-signature-scheme");
      const weak = await duel(parties.client(client), parties.server({ ...version, ...rule }));
      expect(weak.ofServer).toMatchObject({ completed: true });
    });
  }

  test("the context string of the other side", async () => {
    const client = { ...tls13, ...attacker, proof: { context: "server" } } as const;
    const strict = await duel(parties.client(client), parties.server(tls13));
    expect(strict.ofServer).toMatchObject({ completed: false, alert: "decrypt_error" });
    const rule = lacks("certificate-verify-context-not-checked");
    const weak = await duel(parties.client(client), parties.server({ ...tls13, ...rule }));
    expect(weak.ofServer).toMatchObject({ completed: true });
  });

  test("another transcript", async () => {
    for (const [version, proof] of [
      [tls12, { transcript: Buffer.from("another") }],
      [tls13, { transcriptHash: new Uint8Array(32) }],
    ] as const) {
      const made = await duel(parties.client({ ...version, ...attacker, proof }), parties.server(version));
      expect(made.ofServer).toMatchObject({ completed: false, alert: "decrypt_error" });
    }
  });

  test("a server that signs its key exchange with another key", async () => {
    const { key } = parties.the("device-p256").credential;
    const made = await duel(parties.client(tls12), parties.server({ ...tls12, ...attacker, proof: { key } }));
    expect(made.ofClient).toMatchObject({ completed: false, alert: "decrypt_error" });
  });
});

describe("versions", () => {
  test("the sign of a downgrade", async () => {
    const server = {
      ...tls12,
      ...attacker,
      outgoing: instead({
        ServerHello: altered(HandshakeType.server_hello, (body) =>
          editServerHello(body, ({ random }) => ({
            random: Buffer.concat([random.subarray(0, 24), downgradeSentinel.toTls12]),
          })),
        ),
      }),
    };
    const strict = await duel(parties.client(), parties.server(server));
    expect(strict.ofClient).toMatchObject({ completed: false, alert: "illegal_parameter" });
    const weak = await duel(parties.client(lacks("downgrade-sentinel-ignored")), parties.server(server));
    expect(weak.ofClient).toMatchObject({ completed: true, version: "TLS 1.2" });
    const spoken12 = await duel(parties.client(tls12), parties.server(server));
    expect(spoken12.ofClient).toMatchObject({ completed: true });
  });

  test("a server of both versions says that it was asked for 1.2 alone", async () => {
    const made = await duel(parties.client({ ...tls12, ...attacker }), parties.server());
    expect(made.ofServer).toMatchObject({ completed: true, version: "TLS 1.2" });
    const { terms } = made.client.tls12 ?? {};
    expect(Buffer.from(terms?.serverRandom.subarray(24) ?? [])).toEqual(downgradeSentinel.toTls12);
  });

  test("a hello of TLS 1.1, and one in the form of SSL 2.0", async () => {
    for (const rule of ["legacy-version-accepted", undefined] as const) {
      const client = {
        ...tls12,
        ...attacker,
        outgoing: instead({
          ClientHello: altered(HandshakeType.client_hello, (body) =>
            editClientHello(body, () => ({ legacyVersion: 0x0302 })),
          ),
        }),
      };
      const server = parties.server(rule === undefined ? {} : lacks(rule));
      const made = await duel(parties.client(client), server);
      expect(made.ofServer).toMatchObject({ completed: false });
      const answered = server.recorder.steps.some(({ what }) => what === "ServerHello");
      expect(answered).toBe(rule !== undefined);
    }
  });
});

describe("suites of a server that takes weak ones", () => {
  for (const kind of weakSuiteKinds) {
    test(kind, async () => {
      for (const weak of [false, true]) {
        const server = parties.server({ ...tls12, ...(weak ? lacks(kind) : {}) });
        const cipherSuites = weakSuites[kind];
        await duel(parties.client({ ...tls12, ...attacker, cipherSuites }), server);
        expect(server.recorder.steps.some(({ what }) => what === "ServerHello")).toBe(weak);
      }
    });
  }
});

describe("what a server of old does", () => {
  const cases = [
    ["weak-groups-accepted", { groups: [19], keyShareGroups: [] }],
    ["sha1-signatures-made", { signatureSchemes: [TlsSignatureScheme.ecdsa_sha1] }],
  ] as const;
  for (const [rule, offer] of cases) {
    test(rule, async () => {
      for (const weak of [false, true]) {
        const server = parties.server({ ...tls12, ...(weak ? lacks(rule) : {}) });
        await duel(parties.client({ ...tls12, ...attacker, ...offer, answerMs: 100 }), server);
        expect(server.recorder.steps.some(({ what }) => what === "ServerKeyExchange")).toBe(weak);
      }
    });
  }

  test("ssl2-hello-accepted", async () => {
    // RFC 5246 §E.2: one suite, no session id, a challenge of 16 bytes.
    const hello = Buffer.concat([Buffer.from("801c01030300030000001000c02b", "hex"), new Uint8Array(16)]);
    for (const weak of [false, true]) {
      const options = parties.server({ ...tls12, ...(weak ? lacks("ssl2-hello-accepted") : {}) });
      const { client, server } = faceToFace(parties.client(attacker), options);
      client.records.sendRaw(hello);
      client.halfClose();
      expect(await server.handshake()).toMatchObject({ completed: false });
      expect(options.recorder.steps.some(({ what }) => what === "ServerHello")).toBe(weak);
    }
  });
});

describe("HelloRetryRequest", () => {
  test("a second one", async () => {
    const server = { ...tls13, ...attacker, helloRetry: 2 };
    const strict = await duel(parties.client(tls13), parties.server(server));
    expect(strict.ofClient).toMatchObject({ completed: false, alert: "unexpected_message" });
    const rule = lacks("second-hello-retry-request");
    const weak = await duel(parties.client({ ...tls13, ...rule }), parties.server(server));
    expect(weak.ofClient).toMatchObject({ completed: true });
  });

  test("another ClientHello after it", async () => {
    for (const weak of [false, true]) {
      let hellos = 0;
      const client = {
        ...tls13,
        ...attacker,
        outgoing: instead({
          ClientHello: (body) => {
            hellos += 1;
            const cipherSuites = hellos === 1 ? [0x1301, 0x1302] : [0x1301];
            const changed = editClientHello(body, () => ({ cipherSuites }));
            return [{ kind: "handshake", msgType: HandshakeType.client_hello, body: changed }];
          },
        }),
      };
      const rules = weak ? lacks("changed-second-hello") : {};
      const made = await duel(
        parties.client(client),
        parties.server({ ...tls13, helloRetry: true, ...rules }),
      );
      const refused = { completed: false, alert: "illegal_parameter" };
      expect(made.ofServer).toMatchObject(weak ? { completed: true } : refused);
    }
  });
});

describe("pre-shared keys", () => {
  test("pre_shared_key that is not the last extension", async () => {
    const psk = extension.offeredPsks({
      identities: [{ identity: new Uint8Array(40), obfuscatedTicketAge: 0 }],
      binders: [new Uint8Array(32)],
    });
    const extensions = [psk, { extensionType: 0xfafa, extensionData: new Uint8Array() }];
    const client = { ...tls13, ...attacker, extensions };
    const strict = await duel(parties.client(client), parties.server(tls13));
    expect(strict.ofServer).toMatchObject({ completed: false, alert: "illegal_parameter" });
    const rule = lacks("pre-shared-key-not-last");
    const weak = await duel(parties.client(client), parties.server({ ...tls13, ...rule }));
    expect(weak.ofServer).toMatchObject({ completed: true, resumed: false });
  });

  async function session(tickets: { key: TicketKey }) {
    const made = await duel(parties.client(tls12), parties.server({ ...tls12, tickets }));
    const [first] = made.client.sessions;
    if (first === undefined) throw new Error("no ticket");
    return first;
  }

  test("resumption without extended_master_secret of a session that had it", async () => {
    const tickets = { key: new TicketKey() };
    const client = {
      ...tls12,
      ...attacker,
      session: await session(tickets),
      outgoing: instead({
        ClientHello: altered(HandshakeType.client_hello, (body) =>
          editClientHello(body, ({ extensions }) => ({
            extensions: withExtension(extensions, ExtensionType.extended_master_secret, undefined),
          })),
        ),
      }),
    };
    const alone = "extended-master-secret-not-required";
    for (const weak of [false, true]) {
      const rules = weak ? [alone, "resumption-changes-extended-master-secret"] : [alone];
      const server = parties.server({ ...tls12, tickets, ...lacks(...rules) });
      const made = await duel(parties.client(client), server);
      const refused = { completed: false, alert: "handshake_failure" };
      expect(made.ofServer).toMatchObject(weak ? { completed: true, resumed: true } : refused);
    }
  });

  test("resumption with another suite than the session's", async () => {
    const tickets = { key: new TicketKey() };
    const client = { ...tls12, ...attacker, session: await session(tickets), cipherSuites: [0xc02c] };
    for (const weak of [false, true]) {
      const rules = weak ? lacks("resumption-changes-suite") : {};
      const made = await duel(parties.client(client), parties.server({ ...tls12, tickets, ...rules }));
      expect(made.ofServer).toMatchObject({ completed: true, resumed: weak });
    }
  });

  test("a session without a certificate, at a server that wants one", async () => {
    const tickets = { key: new TicketKey() };
    for (const version of [tls12, tls13]) {
      const first = await duel(
        parties.client({ ...version, credential: undefined }),
        parties.server({ ...version, tickets, requestCertificate: false }),
      );
      await first.client.receive(5);
      const [got] = first.client.sessions;
      const made = await duel(
        parties.client({ ...version, session: got }),
        parties.server({ ...version, tickets }),
      );
      expect(made.ofServer).toMatchObject({ completed: false, byThisEnd: true });
    }
  });
});

describe("records of a handshake", () => {
  test("a message that lies across the change of keys", async () => {
    for (const weak of [false, true]) {
      // The first byte of EncryptedExtensions stands in clear, in the record of the ServerHello; the rest is sealed.
      const { client, server } = faceToFace(
        parties.client({ ...tls13, answerMs: 200, ...(weak ? lacks("record-boundary-not-checked") : {}) }),
        parties.server({
          ...tls13,
          ...attacker,
          outgoing: instead({
            ServerHello: (body) => {
              const whole = Buffer.concat([Uint8Array.of(2, 0, 0, body.length), body]);
              server.transcript.add(whole);
              return [
                { kind: "record", contentType: 22, fragment: Buffer.concat([whole, Uint8Array.of(8)]) },
              ];
            },
            ChangeCipherSpec: () => [],
            EncryptedExtensions: (body) => {
              const whole = Buffer.concat([Uint8Array.of(8, 0, 0, body.length), body]);
              server.transcript.add(whole);
              return [{ kind: "record", contentType: 22, fragment: whole.subarray(1) }];
            },
          }),
        }),
      );
      const served = server.handshake();
      const result = await client.handshake();
      expect(result.completed).toBe(weak);
      client.destroy();
      await served;
    }
  });

  test("a message with another record in between, and empty records", async () => {
    const rules = ["interleaved-records-accepted", "empty-records-accepted", "early-change-cipher-spec"];
    for (const weak of [false, true]) {
      const { client, server } = faceToFace(
        parties.client({
          ...tls12,
          ...attacker,
          outgoing: instead({
            ClientKeyExchange: (body) => {
              const whole = Buffer.concat([Uint8Array.of(16, 0, 0, body.length), body]);
              client.transcript.add(whole);
              const part = (fragment: Uint8Array, contentType = 22) =>
                ({ kind: "record", contentType, fragment }) as const;
              return [
                part(whole.subarray(0, 9)),
                part(Uint8Array.of(1), 20),
                part(new Uint8Array()),
                part(whole.subarray(9)),
              ];
            },
          }),
        }),
        parties.server({ ...tls12, ...lacks(...(weak ? rules : rules.slice(1))) }),
      );
      const [, ofServer] = await Promise.all([client.handshake(), server.handshake()]);
      expect(ofServer).toMatchObject(weak ? { completed: true } : { alert: "unexpected_message" });
    }
  });

  test("an alert in clear after keys are in use", async () => {
    for (const weak of [false, true]) {
      const made = await duel(
        parties.client(tls12),
        parties.server({ ...tls12, ...(weak ? lacks("unprotected-alerts-accepted") : {}) }),
      );
      made.client.records.send(21, Uint8Array.of(2, 40), { protected: false });
      const obeyed = { kind: "alert", alert: "handshake_failure" };
      expect(await made.server.receive(5000)).toMatchObject(weak ? obeyed : { kind: "closed" });
    }
  });

  test("records that are longer than they may be", async () => {
    for (const weak of [false, true]) {
      const made = await duel(
        parties.client(tls13),
        parties.server({ ...tls13, ...(weak ? lacks("record-overflow-accepted") : {}) }),
      );
      made.client.records.send(23, new Uint8Array(20_000));
      expect(await made.server.receive(5000)).toMatchObject({ kind: weak ? "data" : "closed" });
    }
  });

  test("a compressed certificate that was not offered to be", async () => {
    const client = {
      ...tls13,
      ...attacker,
      outgoing: instead({
        Certificate: () => {
          const { chain } = parties.the("device-p256").credential;
          return [{ kind: "handshake", ...compressedCertificate(certificate13(chain)) }];
        },
      }),
    };
    const strict = await duel(parties.client(client), parties.server(tls13));
    expect(strict.ofServer).toMatchObject({ completed: false, alert: "unexpected_message" });
    const rule = lacks("compressed-certificate-accepted");
    const weak = await duel(parties.client(client), parties.server({ ...tls13, ...rule }));
    expect(weak.ofServer).toMatchObject({ completed: true });
    expect(weak.server.peerChain).toHaveLength(2);
  });
});

describe("time", () => {
  test("a strict end waits so long, and no longer", async () => {
    const { server } = faceToFace(parties.client(), parties.server({ answerMs: 1 }));
    expect(await server.handshake()).toEqual({
      completed: false,
      refusedAt: "nothing",
      alert: undefined,
      how: "silent for 1 ms",
    });
  });

  test("one without a limit waits for whatever comes", async () => {
    const { client, server } = faceToFace(
      parties.client(),
      parties.server({ answerMs: 1, ...lacks("no-handshake-timeout") }),
    );
    const served = server.handshake();
    expect(await client.receive(5)).toEqual({ kind: "silence" });
    expect(await client.handshake()).toMatchObject({ completed: true });
    expect(await served).toMatchObject({ completed: true });
  });

  test("what nobody reads is left where it is", async () => {
    const { client, server } = faceToFace(parties.client(), parties.server());
    for (let sent = 0; sent < 64; sent += 1) client.records.sendRaw(new Uint8Array(2 ** 16));
    expect(await server.handshake()).toMatchObject({ completed: false });
    expect(client.records.socket.writableNeedDrain).toBe(true);
  });
});

test("each rule has a name that is a weakness's, and a sentence", () => {
  for (const [name, sentence] of Object.entries(tlsRules)) {
    expect(name).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
    expect(sentence).toMatch(/\.$/);
  }
});
