import { describe, expect, test } from "vitest";
import { DtlsError } from "../../../../dtls/errors.ts";
import { firstServerState, stepServer } from "../../../../dtls/handshake/server12.ts";
import type { Credential } from "../../../../dtls/signer.ts";
import { rawPublicKey, serverCredential } from "../../../support/dtls/credentials.ts";
import { dtlsErrorCode as refusal } from "../../../support/dtls/dtls-error-code.ts";
import { DuelWithClient, DuelWithServer } from "../../../support/dtls/duel.ts";
import { suiteNamed } from "../../../support/dtls/settings.ts";
import { answerClient, clientHello, negotiate, serverContext } from "../../../support/dtls/steps.ts";

const ecdsaGcm = suiteNamed("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
const pskSuites = ["TLS_PSK_WITH_AES_128_CCM_8", "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256"].map(suiteNamed);
const p256 = serverCredential();

describe("RFC 7250 §4.2: kinds of certificates", () => {
  function shown(credential: Credential): string {
    const context = serverContext({ cipherSuites: [ecdsaGcm] });
    const message = clientHello({ cipherSuites: [ecdsaGcm.id] });
    const asked = stepServer(firstServerState(0), { type: "message", message }, context);
    const answer = { kind: "credential", credential } as const;
    return stepServer(asked.state, { type: "answer", answer }, context).state.expect;
  }

  test("RFC 7250 §4.2: a server shows no raw public key to a client that asked for X.509, whatever the application gives it (A5)", () => {
    expect(shown(p256)).toBe("signature");
    expect(refusal(() => shown(rawPublicKey(p256)))).toBe("DTLS_NO_COMMON_SUITE");
  });

  test("RFC 7250 §4.2: a client that takes raw public keys alone does not take the X.509 of a server that knows no other (A5, A8)", () => {
    const settings = { cipherSuites: [ecdsaGcm], peerCertificateTypes: ["RawPublicKey"] } as const;
    expect(refusal(() => answerClient(settings, {}))).toBe("DTLS_UNSUPPORTED_CERTIFICATE");
    const answered = answerClient(settings, { extensions: { serverCertificateType: 2 } });
    expect(answered.state.expect).toBe("certificate");
  });
});

describe.each(pskSuites)("$name", (suite) => {
  const nothing = new Uint8Array();

  test("an empty pre-shared key, which everybody has, lets nobody in (R6)", () => {
    const duel = new DuelWithServer({
      suite,
      application: { pskStore: new Map([["d1", nothing]]) },
      adversary: { psk: { identity: "d1", key: nothing } },
    });
    for (const name of duel.rightOrder) duel.say(name);
    duel.server.simulation.runFor(60_000);
    expect(duel.session?.established).toBe(false);
    expect(duel.session?.closed).toBe(true);
  });

  test("nor does a client use one (R6)", () => {
    const duel = new DuelWithClient({
      suite,
      application: { psk: { identity: "d1", key: nothing } },
      adversary: { psk: nothing },
    });
    for (const name of duel.rightOrder) duel.say(name);
    expect(duel.session.error?.code).toBe("DTLS_UNKNOWN_PSK_IDENTITY");
  });
});

test("what a client calls its protocols is not put into an error that is logged (R5.8, I)", () => {
  const evil = "\u001b[2J\nforged line";
  const settings = { alpnProtocols: ["coap"] };
  const hello = { cipherSuites: [ecdsaGcm.id], extensions: { applicationProtocols: [evil] } };
  let refused: unknown;
  try {
    negotiate(settings, hello, p256);
  } catch (error) {
    refused = error;
  }
  expect(refused instanceof DtlsError && refused.code).toBe("DTLS_NO_APPLICATION_PROTOCOL");
  expect(String(refused)).toMatch(/^[ -~]*$/);
});
