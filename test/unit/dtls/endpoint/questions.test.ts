import { describe, expect, test } from "vitest";
import type { Question } from "../../../../dtls/association/outputs.ts";
import { answerTo, type Knowledge, refusalFor } from "../../../../dtls/endpoint/questions.ts";
import { DtlsError } from "../../../../dtls/errors.ts";
import { deviceCredential } from "../../../support/dtls/credentials.ts";

const credential = deviceCredential();
const session = {
  sessionId: Uint8Array.of(1),
  ticket: undefined,
  cipherSuite: 0xc02b,
  masterSecret: new Uint8Array(48),
  extendedMasterSecret: true,
  serverName: undefined,
  alpnProtocol: undefined,
  peerCertificateType: undefined,
  peerChain: [],
  pskIdentity: undefined,
  expiresAt: 0,
} as const;

const questions = {
  credential: {
    kind: "credential",
    serverName: "a.example",
    certificateTypes: ["X509"],
    signatureSchemes: [0x0403],
    certificateAuthorities: [],
  },
  sign: { kind: "sign", credential, scheme: 0x0403, bytes: Uint8Array.of(1) },
  peer: {
    kind: "peer",
    claim: {
      certificateType: "X509",
      chain: credential.chain,
      pskIdentity: undefined,
      serverName: undefined,
      address: { address: "192.0.2.1", port: 1 },
      resumed: false,
    },
  },
  psk: { kind: "psk", identity: Uint8Array.of(1), hint: undefined },
  session: { kind: "session", sessionId: Uint8Array.of(1), ticket: undefined },
  store: { kind: "store", session, asTicket: true },
} as const satisfies Record<string, Question>;

const psk = { identity: Uint8Array.of(1), key: Uint8Array.of(2) };

function knowing(over: Partial<Knowledge> = {}): Knowledge {
  return {
    credential: () => credential,
    psk: () => psk,
    verify: () => "somebody",
    findSession: () => session,
    storeSession: () => Uint8Array.of(9),
    forgetSession: () => undefined,
    ...over,
  };
}

test("what is known at once is answered at once: no promise, no turn of the event loop", () => {
  const knowledge = knowing();
  expect(answerTo(questions.credential, knowledge)).toEqual({ kind: "credential", credential });
  expect(answerTo(questions.peer, knowledge)).toEqual({ kind: "peer", identity: "somebody" });
  expect(answerTo(questions.psk, knowledge)).toEqual({ kind: "psk", psk });
  expect(answerTo(questions.session, knowledge)).toEqual({ kind: "session", session });
  expect(answerTo(questions.store, knowledge)).toEqual({ kind: "store", ticket: Uint8Array.of(9) });
  expect(answerTo(questions.sign, knowledge)).toMatchObject({ kind: "sign" });
});

test("what is a promise is awaited", async () => {
  const answer = answerTo(questions.peer, knowing({ verify: async () => "later" }));
  expect(answer).toBeInstanceOf(Promise);
  await expect(answer).resolves.toEqual({ kind: "peer", identity: "later" });
});

describe("a callback that fails is an answer, which ends the handshake (I)", () => {
  const denied = new DtlsError("DTLS_ACCESS_DENIED", "no");
  const mistake = new TypeError("a mistake");
  const throwing = (thrown: unknown) => (): never => {
    throw thrown;
  };
  const all = (fail: () => never): Knowledge => ({
    credential: fail,
    psk: fail,
    verify: fail,
    findSession: fail,
    storeSession: fail,
    forgetSession: fail,
  });

  test.each(Object.entries(questions).filter(([kind]) => kind !== "sign"))(
    "%s: a DtlsError refuses with its own alert, anything else with one of the kind",
    (kind, question) => {
      expect(answerTo(question, all(throwing(denied)))).toEqual({ kind: "refused", error: denied });
      expect(answerTo(question, all(throwing(mistake)))).toMatchObject({
        kind: "refused",
        error: {
          code: kind === "peer" ? "DTLS_CERTIFICATE_UNKNOWN" : "DTLS_INTERNAL_ERROR",
          cause: mistake,
        },
      });
      expect(answerTo(question, all(throwing(undefined)))).toMatchObject({ kind: "refused" });
    },
  );

  test("a signer that fails, too", () => {
    const broken = { ...credential, signer: { ...credential.signer, sign: throwing(mistake) } };
    expect(answerTo({ ...questions.sign, credential: broken }, knowing())).toMatchObject({
      kind: "refused",
      error: { code: "DTLS_INTERNAL_ERROR" },
    });
  });

  test("a rejection is what throwing is", async () => {
    await expect(
      answerTo(questions.peer, knowing({ verify: () => Promise.reject(denied) })),
    ).resolves.toEqual({
      kind: "refused",
      error: denied,
    });
  });
});

test("the message of a refusal is that of the cause, and a DtlsError goes through as it is", () => {
  expect(refusalFor(new Error("no such device"), "DTLS_CERTIFICATE_UNKNOWN").message).toContain(
    "no such device",
  );
  const error = new DtlsError("DTLS_UNKNOWN_CA", "x");
  expect(refusalFor(error, "DTLS_INTERNAL_ERROR")).toBe(error);
});
