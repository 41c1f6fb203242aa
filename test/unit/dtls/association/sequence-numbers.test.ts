import { describe, expect, test } from "vitest";
import type { AssociationState } from "../../../../dtls/association/association-state.ts";
import { maxSequence } from "../../../../dtls/wire/record.ts";
import { Prng } from "../../../../mitm/prng.ts";
import { DuelWithServer } from "../../../support/dtls/duel.ts";
import { reimport } from "../../../support/dtls/imported.ts";
import { recordsIn } from "../../../support/dtls/inspect.ts";
import { Pair } from "../../../support/dtls/pair.ts";
import { connectionIds } from "../../../support/dtls/settings.ts";

function withSequence(sequence: number) {
  return (state: AssociationState): AssociationState => ({
    ...state,
    sealer: { ...state.sealer, sequence },
  });
}

describe("a client chooses with which numbers the server's begin", () => {
  test.each([0, 1, 2, 3, 4])(
    "RFC 6347 §4.1: a ClientHello %i before the last record number there is ends its own handshake, and nothing is thrown (F3, D6)",
    (before) => {
      const duel = new DuelWithServer();
      duel.say("CLIENT_HELLO");
      duel.adversary.recordSequence = maxSequence - before;
      duel.say("CLIENT_HELLO_WITH_COOKIE");
      // Five messages and so five records; with the last number the flight is not complete, and then never will be.
      duel.server.simulation.runFor(60_000);
      expect(duel.session?.error?.code).toBe("DTLS_SEQUENCE_EXHAUSTED");
      expect(duel.session?.association.deadline).toBeUndefined();
      for (const { epoch, sequence } of duel.server.take().flatMap((bytes) => recordsIn(bytes))) {
        expect(epoch === 0 && sequence >= maxSequence - before, "no number wraps").toBe(true);
      }
    },
  );

  test.each([65_531, 65_535])(
    "RFC 6347 §4.2.2: a ClientHello of message_seq %i leaves few numbers or none: no error of this program comes of it (D6)",
    (messageSeq) => {
      const duel = new DuelWithServer();
      duel.say("CLIENT_HELLO");
      duel.adversary.sendSeq = messageSeq;
      duel.say("CLIENT_HELLO_WITH_COOKIE");
      duel.server.simulation.runFor(60_000);
      expect(duel.session?.error?.code).toBe(
        messageSeq === 65_535 ? "DTLS_SEQUENCE_EXHAUSTED" : "DTLS_HANDSHAKE_TIMEOUT",
      );
    },
  );
});

describe("RFC 6347 §4.1: an association whose numbers are used up ends, once", () => {
  test("RFC 6347 §4.1: the last number is used, the one after it never (F3, R1.4)", () => {
    const pair = new Pair().handshake();
    const session = reimport(pair, "client", { change: withSequence(maxSequence) });
    session.act((it) => it.send(Buffer.from("the last one")));
    const [last] = pair
      .sentBy("client")
      .slice(-1)
      .map(({ bytes }) => recordsIn(bytes)[0]);
    expect(last?.sequence).toBe(maxSequence);
    const before = pair.sent.length;
    session.act((it) => it.send(Buffer.from("one too many")));
    expect(pair.sent).toHaveLength(before);
    expect(session.error?.code).toBe("DTLS_SEQUENCE_EXHAUSTED");
    expect(session.outputs.filter((type) => type === "closed")).toHaveLength(1);
  });

  test("close() then says nothing to the peer, and is an orderly end all the same (F3, I)", () => {
    const pair = new Pair().handshake();
    const session = reimport(pair, "client", { change: withSequence(maxSequence + 1) });
    const before = pair.sent.length;
    session.act((it) => it.close());
    expect(pair.sent).toHaveLength(before);
    expect(session.closed).toBe(true);
    expect(session.error).toBeUndefined();
    expect(session.outputs.filter((type) => type === "closed")).toHaveLength(1);
  });

  test("a close_notify that cannot be answered ends it once (F3, I)", () => {
    const pair = new Pair().handshake();
    const session = reimport(pair, "server", { change: withSequence(maxSequence + 1) });
    pair.clientSession.act((it) => it.close());
    pair.simulation.runFor(10);
    expect(session.closed).toBe(true);
    expect(session.outputs.filter((type) => type === "closed")).toHaveLength(1);
  });

  test("a challenge of a new address that cannot be sent ends it, and nothing is delivered after the end (F3, I)", () => {
    const settings = { connectionIds: connectionIds(new Prng(7)), returnRoutabilityCheck: true };
    const none = { length: 0, make: () => new Uint8Array() };
    const pair = new Pair({
      server: settings,
      client: { connectionIds: none, returnRoutabilityCheck: true },
    }).handshake();
    const session = reimport(pair, "server", { settings, change: withSequence(maxSequence + 1) });
    pair.network.rebind(pair.client.address, { address: "203.0.113.5", port: 2000 });
    pair.client.send(Buffer.from("from elsewhere"));
    pair.simulation.runFor(10);
    expect(session.error?.code).toBe("DTLS_SEQUENCE_EXHAUSTED");
    expect(session.outputs.at(-1)).toBe("closed");
  });
});
