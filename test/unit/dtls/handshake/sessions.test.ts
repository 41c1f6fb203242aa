import { describe, expect, test } from "vitest";
import type { ClientSettings, ServerSettings } from "../../../../dtls/association/settings.ts";
import type { ServerState } from "../../../../dtls/handshake/server-state.ts";
import { firstServerState, stepServer } from "../../../../dtls/handshake/server12.ts";
import type { ResumableSession } from "../../../../dtls/handshake/session.ts";
import type { ClientExtensions, ServerExtensions } from "../../../../dtls/wire/extensions.ts";
import { leafOf, serverCredential, serverName } from "../../../support/dtls/credentials.ts";
import { dtlsErrorCode as refusal } from "../../../support/dtls/dtls-error-code.ts";
import { startOfTime } from "../../../support/dtls/environment.ts";
import { Pair } from "../../../support/dtls/pair.ts";
import { suiteNamed } from "../../../support/dtls/settings.ts";
import { answerClient, clientHello, negotiate, serverContext } from "../../../support/dtls/steps.ts";

const ecdsaGcm = suiteNamed("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
const ecdsaCcm = suiteNamed("TLS_ECDHE_ECDSA_WITH_AES_128_CCM");
const pskCcm8 = suiteNamed("TLS_PSK_WITH_AES_128_CCM_8");
const loose = { requireExtendedMasterSecret: false };
const ids = ["session id", "ticket"] as const;

const proven: ResumableSession = {
  sessionId: new Uint8Array(32).fill(5),
  ticket: undefined,
  cipherSuite: ecdsaGcm.id,
  masterSecret: new Uint8Array(48).fill(6),
  extendedMasterSecret: true,
  serverName,
  alpnProtocol: undefined,
  peerCertificateType: "X509",
  peerChain: [leafOf(serverCredential())],
  pskIdentity: undefined,
  expiresAt: startOfTime + 1000,
};

interface Attempt {
  readonly settings?: Partial<ServerSettings>;
  readonly session?: Partial<ResumableSession>;
  readonly extensions?: ClientExtensions;
  readonly cipherSuites?: readonly number[];
}

/** What the server does with the session that a client names. @throws DtlsError */
function resume(by: (typeof ids)[number], attempt: Attempt): ServerState["expect"] {
  const { settings, session, extensions, cipherSuites = [ecdsaGcm.id, ecdsaCcm.id, pskCcm8.id] } = attempt;
  const context = serverContext({
    cipherSuites: [ecdsaGcm, ecdsaCcm, pskCcm8],
    sessionIds: true,
    sessionTickets: true,
    ...settings,
  });
  const named = by === "ticket" ? { sessionTicket: new Uint8Array(50) } : {};
  const message = clientHello({
    cipherSuites,
    extensions: { serverName, ...named, ...extensions },
    over: { sessionId: proven.sessionId },
  });
  const asked = stepServer(firstServerState(0), { type: "message", message }, context);
  if (asked.state.expect !== "session") return asked.state.expect;
  const answer = { kind: "session", session: { ...proven, ...session } } as const;
  return stepServer(asked.state, { type: "answer", answer }, context).state.expect;
}

describe.each(ids)("a server resumes by %s what was agreed and proved then, and is wanted now", (by) => {
  test("the valid twin: the application is asked whether the peer may still come in (A7)", () => {
    expect(resume(by, {})).toBe("resumed_peer");
  });

  test("without a client certificate there is none to ask about, where none is required (A7)", () => {
    const session = { peerCertificateType: undefined, peerChain: [] };
    expect(resume(by, { session, settings: { clientAuth: "requested" } })).toBe("change_cipher_spec");
  });

  // A full handshake begins with the choice of a certificate, or at once with a pre-shared key.
  test.each<[string, Attempt, ServerState["expect"]]>([
    ["its time is over", { session: { expiresAt: startOfTime } }, "credential"],
    ["its suite is not offered", { cipherSuites: [ecdsaCcm.id] }, "credential"],
    ["its suite is not ours any more", { settings: { cipherSuites: [ecdsaCcm] } }, "credential"],
    ["the name is another one", { extensions: { serverName: "other.example" } }, "credential"],
    ["it had no name", { session: { serverName: undefined } }, "credential"],
    ["it had a protocol", { session: { alpnProtocol: "coap" } }, "credential"],
    [
      "it had another protocol",
      {
        settings: { alpnProtocols: ["mqtt"] },
        extensions: { applicationProtocols: ["mqtt"] },
        session: { alpnProtocol: "coap" },
      },
      "credential",
    ],
    [
      "nobody showed a certificate, and one is required",
      { session: { peerCertificateType: undefined, peerChain: [] } },
      "credential",
    ],
    [
      "a raw public key was shown, and X.509 is taken",
      { session: { peerCertificateType: "RawPublicKey" } },
      "credential",
    ],
    [
      "a pre-shared key was proved, and the suite is one of certificates",
      { session: { peerCertificateType: "PSK", pskIdentity: Buffer.from("d1") } },
      "credential",
    ],
    [
      "a certificate was proved, and the suite is one of pre-shared keys",
      { session: { cipherSuite: pskCcm8.id }, settings: { cipherSuites: [pskCcm8, ecdsaGcm] } },
      "client_key_exchange",
    ],
    [
      "nothing was proved, and the suite is one of pre-shared keys",
      {
        session: { cipherSuite: pskCcm8.id, peerCertificateType: undefined },
        settings: { cipherSuites: [pskCcm8, ecdsaGcm], clientAuth: "none" },
      },
      "client_key_exchange",
    ],
  ])("a full handshake where %s (A7)", (_, attempt, expected) => {
    expect(resume(by, attempt)).toBe(expected);
  });

  test("RFC 7627 §5.3: a session without extended master secret is not resumed, be it asked for so or otherwise (A7, R8)", () => {
    const session = { extendedMasterSecret: false };
    expect(resume(by, { session, settings: loose })).toBe("credential");
    const extensions = { extendedMasterSecret: undefined };
    expect(resume(by, { session, settings: loose, extensions })).toBe("credential");
  });

  test("RFC 7627 §5.3: one with it is not resumed without: the handshake is aborted (A7, R8)", () => {
    const extensions = { extendedMasterSecret: undefined };
    expect(refusal(() => resume(by, { settings: loose, extensions }))).toBe("DTLS_NO_EXTENDED_MASTER_SECRET");
  });
});

test("RFC 7627 §5.3: without extended master secret there is no session to resume: neither an id nor a ticket (R8)", () => {
  const settings = { ...loose, cipherSuites: [pskCcm8], sessionIds: true, sessionTickets: true };
  const extensions = { extendedMasterSecret: undefined, sessionTicket: new Uint8Array() };
  for (const offered of [{ sessionTicket: undefined }, {}]) {
    const hello = { cipherSuites: [pskCcm8.id], extensions: { ...extensions, ...offered } };
    const without = negotiate(settings, hello, undefined);
    expect(without.hello.sessionId).toHaveLength(0);
    expect(without.extensions.sessionTicket).toBeUndefined();
  }
});

interface ClientAttempt {
  readonly settings?: Partial<ClientSettings>;
  readonly session?: Partial<ResumableSession>;
  readonly extensions?: ServerExtensions;
  readonly cipherSuite?: number;
}

/** What a client makes of a server that says that it takes the session. @throws DtlsError */
function taken({ settings, session, extensions, cipherSuite = ecdsaGcm.id }: ClientAttempt): string {
  const client = {
    cipherSuites: [ecdsaGcm, ecdsaCcm, pskCcm8],
    session: { ...proven, ...session },
    ...settings,
  };
  const over = { sessionId: proven.sessionId, cipherSuite };
  return answerClient(client, { over, ...(extensions && { extensions }) }).state.expect;
}

describe("a client resumes what it would accept in a full handshake", () => {
  test("the valid twin: the application is asked whether the server is still good (A7)", () => {
    expect(taken({})).toBe("resumed_peer");
  });

  // Not offered: then the server cannot have taken it, and its certificate is awaited.
  test.each<[string, ClientAttempt]>([
    ["its time is over", { session: { expiresAt: startOfTime } }],
    ["it is for another name", { session: { serverName: "other.example" } }],
    [
      "it is of a suite that is not offered",
      { settings: { cipherSuites: [ecdsaGcm] }, session: { cipherSuite: ecdsaCcm.id } },
    ],
    ["RFC 7627 §5.3: it is without extended master secret", { session: { extendedMasterSecret: false } }],
    ["nobody was behind it", { session: { peerCertificateType: undefined, peerChain: [] } }],
    [
      "a pre-shared key was behind it, which nobody is asked about",
      { session: { peerCertificateType: "PSK" } },
    ],
  ])("a session is not offered when %s (A7)", (_, attempt) => {
    expect(taken(attempt)).toBe("certificate");
  });

  test("RFC 5246 §7.4.1.3: another suite than the session's is refused (A5, A7)", () => {
    expect(refusal(() => taken({ cipherSuite: ecdsaCcm.id }))).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test("RFC 7627 §5.3: a resumption without the extended master secret of the session is aborted (A7, R8)", () => {
    const without = { settings: loose, extensions: { extendedMasterSecret: undefined } };
    expect(refusal(() => taken(without))).toBe("DTLS_NO_EXTENDED_MASTER_SECRET");
  });

  test("RFC 7301 §3.1: a resumption for another protocol is refused (A7)", () => {
    const settings = { alpnProtocols: ["coap"] };
    expect(refusal(() => taken({ settings, extensions: { applicationProtocol: "coap" } }))).toBe(
      "DTLS_ILLEGAL_PARAMETER",
    );
    expect(refusal(() => taken({ settings, session: { alpnProtocol: "coap" } }))).toBe(
      "DTLS_ILLEGAL_PARAMETER",
    );
  });
});

test("a session that was good when it was offered is resumed, though its time ends before the answer comes (A7)", () => {
  const settings = { sessionIds: true, sessionLifetimeSeconds: 3600 };
  const first = new Pair({ server: settings }).handshake();
  const session = first.clientSession.resumable;
  expect(session).toBeDefined();
  const latencyMs = 400;
  const second = new Pair({
    seed: 2,
    server: settings,
    sessions: first.sessions,
    client: { session: session && { ...session, expiresAt: startOfTime + 500 } },
    clientFaults: { latencyMs },
    serverFaults: { latencyMs },
  }).handshake(10_000);
  expect(second.established).toBe(true);
  expect(second.clientSession.association.resumed).toBe(true);
});
