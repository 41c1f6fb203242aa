import { describe, expect, test } from "vitest";
import { DtlsError } from "../../../../dtls/errors.ts";
import { AlertDescription, AlertLevel, ContentType } from "../../../../dtls/wire/registry.ts";
import { DuelWithClient, DuelWithServer } from "../../../support/dtls/duel.ts";
import { Pair } from "../../../support/dtls/pair.ts";

/** A duel in which everything went right. */
function met(): DuelWithServer {
  const duel = new DuelWithServer();
  for (const name of duel.rightOrder) duel.say(name);
  expect(duel.session?.established).toBe(true);
  duel.adversary.heardRecords.length = 0;
  return duel;
}

function alertsHeard(duel: DuelWithServer | DuelWithClient): number[][] {
  return duel.adversary.heardRecords
    .filter(({ type }) => type === ContentType.alert)
    .map(({ plaintext }) => [...plaintext]);
}

describe("close_notify", () => {
  test.each(["client", "server"] as const)(
    "RFC 5246 §7.2.1: from the %s it ends both sides in good order (R9)",
    (side) => {
      const pair = new Pair().handshake();
      const session = side === "client" ? pair.clientSession : pair.serverSession;
      session.act((it) => it.close());
      pair.simulation.runFor(10);
      for (const { closed, error, association } of [pair.clientSession, pair.serverSession]) {
        expect(closed).toBe(true);
        expect(error).toBeUndefined();
        expect(association.deadline).toBeUndefined();
      }
    },
  );

  test("RFC 5246 §7.2.1: is answered by close_notify (R9)", () => {
    const duel = met();
    duel.say("CLOSE_NOTIFY");
    expect(alertsHeard(duel)).toEqual([[AlertLevel.warning, AlertDescription.close_notify]]);
  });

  test("RFC 5246 §7.2.1: what comes after it is ignored (R9)", () => {
    const duel = met();
    duel.say("CLOSE_NOTIFY");
    duel.say("APPLICATION_DATA");
    expect(duel.session?.received).toEqual([]);
  });

  test("closing twice is closing once, and nothing can be sent afterwards (I)", () => {
    const pair = new Pair().handshake();
    pair.clientSession.act((it) => it.close());
    const before = pair.sent.length;
    pair.clientSession.act((it) => it.close());
    pair.clientSession.act((it) => it.close(new DtlsError("DTLS_IDLE", "late")));
    expect(pair.sent).toHaveLength(before);
    const send = () => pair.client.send(Buffer.from("late"));
    expect(send).toThrow(expect.objectContaining({ code: "DTLS_CLOSED" }));
    const exportKey = () => pair.clientSession.association.exportKeyingMaterial("EXPORTER-x", 16);
    expect(exportKey).toThrow(expect.objectContaining({ code: "DTLS_CLOSED" }));
  });

  test("a closed association takes datagrams, answers and time without a word (I)", () => {
    const pair = new Pair().handshake();
    pair.client.send(Buffer.from("hello"));
    const { bytes = new Uint8Array() } = pair.sentBy("client").at(-1) ?? {};
    pair.serverSession.act((it) => it.close());
    const outputs = pair.serverSession.outputs.length;
    pair.serverSession.act((it) => it.handleDatagram(bytes, pair.client.address));
    pair.serverSession.act((it) => it.handleTimeout());
    pair.serverSession.act((it) => it.answer(1, { kind: "peer", identity: "late" }));
    expect(pair.serverSession.outputs).toHaveLength(outputs);
  });
});

describe("alerts", () => {
  test("RFC 5246 §7.2.2: a fatal alert under the current keys ends the association and is named (R9)", () => {
    const duel = met();
    duel.say("FATAL_ALERT");
    expect(duel.session?.error?.code).toBe("DTLS_PEER_ALERT");
    expect(duel.session?.error?.peerAlert).toBe("handshake_failure");
    expect(alertsHeard(duel)).toEqual([]);
  });

  test.each([AlertDescription.user_canceled, AlertDescription.no_renegotiation, 200])(
    "RFC 5246 §7.2.2: a warning of %i changes nothing (R9)",
    (description) => {
      const duel = met();
      duel.feed(duel.adversary.alert(AlertLevel.warning, description, 1));
      duel.say("APPLICATION_DATA");
      expect(duel.session?.received).toHaveLength(1);
    },
  );

  test.each([[], [2], [2, 40, 0], [2, 40, 2, 40]])(
    "an alert of the bytes %j is malformed, and ends nothing (R9)",
    (...bytes) => {
      const duel = met();
      duel.feed(duel.adversary.record(ContentType.alert, Uint8Array.from(bytes), 1));
      expect(duel.session?.closed).toBe(false);
      expect(duel.session?.discarded).toContain("malformed_alert");
    },
  );

  test("an error of the application reaches the peer as its alert (R7, R9)", () => {
    const pair = new Pair().handshake();
    pair.serverSession.act((it) => it.close(new DtlsError("DTLS_CERTIFICATE_REVOKED", "revoked")));
    pair.simulation.runFor(10);
    expect(pair.clientSession.error?.peerAlert).toBe("certificate_revoked");
  });

  test("RFC 5246 §7.2.2: a failed handshake tells the peer why, once (R9, B5)", () => {
    const duel = new DuelWithServer();
    for (const name of duel.rightOrder.slice(0, -1)) duel.say(name);
    duel.adversary.heardRecords.length = 0;
    duel.say("WRONG_FINISHED");
    expect(alertsHeard(duel).length).toBeLessThanOrEqual(1);
    expect(duel.session?.closed).toBe(true);
    duel.say("FINISHED");
    expect(duel.session?.established).toBe(false);
  });

  test("a plaintext fatal alert in a handshake is a hint: the client goes on, and fails with it when nothing else comes (C2)", () => {
    const duel = new DuelWithClient();
    duel.feed(duel.adversary.alert(AlertLevel.fatal, AlertDescription.handshake_failure, 0));
    expect(duel.session.closed).toBe(false);
    duel.client.simulation.runFor(60_000);
    expect(duel.session.error?.code).toBe("DTLS_PEER_ALERT");
    expect(duel.session.error?.peerAlert).toBe("handshake_failure");
    expect(duel.session.closedAt).toBeLessThan(10_000);
  });
});

describe("renegotiation", () => {
  test("RFC 5746, RFC 7925 §17: a protected ClientHello is answered by the warning no_renegotiation, and no more (R8)", () => {
    const duel = met();
    duel.feed(duel.adversary.clientHello({}, { epoch: 1 }));
    expect(alertsHeard(duel)).toEqual([[AlertLevel.warning, AlertDescription.no_renegotiation]]);
    expect(duel.session?.discarded).toContain("renegotiation_refused");
    duel.say("APPLICATION_DATA");
    expect(duel.session?.received).toHaveLength(1);
  });

  test("RFC 5246 §7.4.1.1: a protected HelloRequest starts nothing (R8)", () => {
    const duel = new DuelWithClient();
    for (const name of duel.rightOrder) duel.say(name);
    duel.adversary.heardRecords.length = 0;
    duel.feed(duel.adversary.helloRequest({ epoch: 1 }));
    expect(duel.adversary.heardRecords.some(({ type }) => type === ContentType.handshake)).toBe(false);
    expect(duel.session.closed).toBe(false);
  });

  test("a flood of them is not answered by a flood (R9)", () => {
    const duel = met();
    for (let copy = 0; copy < 200; copy += 1) duel.feed(duel.adversary.clientHello({}, { epoch: 1 }));
    expect(alertsHeard(duel).length).toBeLessThanOrEqual(2);
  });
});

describe("a handshake in which the application fails", () => {
  test.each(["credential", "sign", "peer"] as const)(
    "a refusal of the question %s ends it with its alert, and leaves nothing behind (I, B5)",
    (kind) => {
      const error = new DtlsError("DTLS_INTERNAL_ERROR", "the token is unplugged");
      for (const side of ["clientApplication", "serverApplication"] as const) {
        const pair = new Pair({
          [side]: {
            onquestion: (question: { kind: string }) =>
              question.kind === kind ? { kind: "refused", error } : undefined,
          },
        });
        pair.handshake(70_000);
        expect(pair.established, side).toBe(false);
        const [own, other] = [pair.clientSession, pair.serverSession];
        const [failed, told] = side === "clientApplication" ? [own, other] : [other, own];
        expect(failed.error).toBe(error);
        expect(told.error?.peerAlert, side).toBe("internal_error");
        expect(pair.simulation.pending, side).toBe(0);
      }
    },
  );

  test("an answer that comes after the end is ignored (I, U1)", () => {
    const pair = new Pair({ answerDelayMs: 90_000 });
    pair.client.start();
    pair.simulation.runFor(300_000);
    expect(pair.serverSession.error?.code).toBe("DTLS_HANDSHAKE_TIMEOUT");
    expect(pair.clientSession.error?.code).toBe("DTLS_HANDSHAKE_TIMEOUT");
    expect(pair.simulation.pending).toBe(0);
  });

  test("an answer of another kind than the question is an error of this side, and lets nobody in (I)", () => {
    const pair = new Pair({
      serverApplication: {
        onquestion: ({ kind }) => (kind === "peer" ? { kind: "psk", psk: undefined } : undefined),
      },
    }).handshake(70_000);
    expect(pair.established).toBe(false);
  });
});
