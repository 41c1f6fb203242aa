import { describe, expect, test } from "vitest";
import { Association } from "../../../../dtls/association/association.ts";
import type { CredentialRequest } from "../../../../dtls/association/outputs.ts";
import { Prng } from "../../../../mitm/prng.ts";
import { answerAs } from "../../../support/dtls/application.ts";
import { serverCredential } from "../../../support/dtls/credentials.ts";
import { DuelWithServer } from "../../../support/dtls/duel.ts";
import { FakeEnvironment } from "../../../support/dtls/environment.ts";
import { drop } from "../../../support/dtls/network.ts";
import { Pair, type PairOptions } from "../../../support/dtls/pair.ts";
import { withHeaderOf } from "../../../support/dtls/refragment.ts";
import { serverSettings } from "../../../support/dtls/settings.ts";
import { clientAddress } from "../../../support/dtls/under-test.ts";

/** A plaintext alert that anybody can send. */
function alert(level: number, description: number): Uint8Array {
  return withHeaderOf({ type: 21, version: 0xfefd, epoch: 0 }, 1000, Uint8Array.of(level, description));
}

const handshakeFailure = alert(2, 40);

/** A client whose server never hears it, and that is told a lie after 500 ms. */
function alone(record: Uint8Array, options: PairOptions = {}): Pair {
  const pair = new Pair({ ...options, clientFaults: { fate: () => drop } });
  pair.client.start();
  pair.network.inject(pair.server.address, pair.client.address, record, 500);
  return pair;
}

describe("a plaintext alert in a handshake is a hint", () => {
  test.each([
    [1000, 3500],
    [9000, 27_500],
  ])(
    "with a first retransmission after %i ms it is believed at %i when nothing else comes (C2, U15)",
    (initialMs, end) => {
      const pair = alone(handshakeFailure, { client: { retransmission: { initialMs, maximumMs: 60_000 } } });
      pair.simulation.runFor(end - 1);
      expect(pair.clientSession.closed).toBe(false);
      expect(pair.clientSession.association.deadline).toBeLessThanOrEqual(end);
      pair.simulation.runFor(1);
      expect(pair.clientSession.error?.peerAlert).toBe("handshake_failure");
      expect(pair.clientSession.association.deadline).toBeUndefined();
    },
  );

  test("a second one neither puts the end off nor brings another reason (C2)", () => {
    const pair = alone(handshakeFailure);
    pair.network.inject(pair.server.address, pair.client.address, alert(2, 80), 3000);
    pair.simulation.runFor(3500);
    expect(pair.clientSession.error?.peerAlert).toBe("handshake_failure");
  });

  test("it never outlives the handshake's own time (C2, U1)", () => {
    const pair = alone(handshakeFailure, { client: { handshakeTimeoutMs: 2000 } });
    pair.simulation.runFor(2000);
    expect(pair.clientSession.closedAt).toBe(2000);
  });

  test.each([
    ["a warning", alert(1, 90)],
    ["close_notify", alert(1, 0)],
    ["half an alert", withHeaderOf({ type: 21, version: 0xfefd, epoch: 0 }, 1000, Uint8Array.of(2))],
  ])("%s is not even that (C2)", (_, record) => {
    const pair = alone(record);
    pair.simulation.runFor(59_999);
    expect(pair.clientSession.closed).toBe(false);
    pair.simulation.runFor(1);
    expect(pair.clientSession.error?.code).toBe("DTLS_HANDSHAKE_TIMEOUT");
  });

  test("the peer's next message shows that it was a lie (C2)", () => {
    // The alert is good until 1300. HelloVerifyRequest comes at 1200, the message after it at 2400.
    const pair = new Pair({
      client: { retransmission: { initialMs: 300, maximumMs: 60_000 } },
      serverFaults: { latencyMs: 1200 },
    });
    pair.network.inject(pair.server.address, pair.client.address, handshakeFailure, 400);
    pair.handshake();
    expect(pair.established).toBe(true);
    expect(pair.simulation.now).toBe(3600);
  });

  test("while this side's own application is asked nothing could show it: the time begins with the answer (C2)", () => {
    let now = 0;
    const environment = new FakeEnvironment({ now: () => now, prng: new Prng(1), keyShares: "pooled" });
    const server = Association.server(serverSettings(), environment, clientAddress, {
      recordSequence: 0,
      messageSeq: 0,
    });
    const { adversary } = new DuelWithServer();
    server.handleDatagram(adversary.clientHello(), clientAddress);
    server.handleDatagram(handshakeFailure, clientAddress);
    for (let question = answerable(server); question !== undefined; question = answerable(server)) {
      now += 10_000;
      server.handleTimeout();
      expect(server.state).toBe("handshaking");
      server.answer(question.id, answerAs({ credentials: [serverCredential()] }, question));
    }
    expect(now).toBe(20_000);
    now += 2999;
    server.handleTimeout();
    expect(server.state).toBe("handshaking");
    now += 1;
    expect(server.deadline).toBe(now);
    server.handleTimeout();
    expect(server.takeOutputs().at(-1)).toMatchObject({ error: { peerAlert: "handshake_failure" } });
  });
});

function answerable(association: Association): CredentialRequest | undefined {
  for (const output of association.takeOutputs()) if (output.type === "request") return output.request;
  return undefined;
}
