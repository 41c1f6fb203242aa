import { describe, expect, test } from "vitest";
import { DtlsError } from "../../../../dtls/errors.ts";
import { AlertDescription, AlertLevel, ContentType } from "../../../../dtls/wire/registry.ts";
import { DuelWithServer } from "../../../support/dtls/duel.ts";
import { Pair } from "../../../support/dtls/pair.ts";
import { withHeaderOf } from "../../../support/dtls/refragment.ts";

describe("a client that was not started", () => {
  test.each([
    ["a ServerHello", 22, 0, "0200002e000000000000002efefd" + "00".repeat(44)],
    ["a fatal alert", 21, 0, "0228"],
    ["a ChangeCipherSpec", 20, 0, "01"],
    ["a record of the next epoch", 22, 1, "00".repeat(40)],
  ] as const)("takes no notice of %s (B1, C2)", (_, type, epoch, fragment) => {
    const pair = new Pair();
    const record = withHeaderOf({ type, version: 0xfefd, epoch }, 0, Buffer.from(fragment, "hex"));
    pair.network.inject(pair.server.address, pair.client.address, record);
    pair.simulation.runFor(10_000);
    expect(pair.clientSession.closed).toBe(false);
    pair.handshake();
    expect(pair.established).toBe(true);
    expect(pair.simulation.now).toBe(10_000);
  });

  test("is started once, however often that is said (I)", () => {
    const pair = new Pair();
    pair.client.start();
    pair.client.start();
    expect(pair.sent).toHaveLength(1);
    pair.handshake();
    expect(pair.established).toBe(true);
    pair.client.start();
    expect(pair.clientSession.closed).toBe(false);
    pair.clientSession.act((it) => it.close());
    const { length } = pair.sent;
    pair.client.start();
    expect(pair.sent).toHaveLength(length);
  });

  test("is closed without a word (I)", () => {
    const pair = new Pair();
    pair.clientSession.act((it) => it.close(new DtlsError("DTLS_INTERNAL_ERROR", "the lookup failed")));
    expect(pair.sent).toEqual([]);
    expect(pair.clientSession.closed).toBe(true);
  });
});

test("RFC 5246 §7.2.2: a server says why, also to a client whose records begin anew with 0 after the cookie (R9, U15)", () => {
  const duel = new DuelWithServer();
  duel.say("CLIENT_HELLO");
  duel.adversary.recordSequence = 0;
  duel.feed(duel.adversary.clientHello({ cipherSuites: [0x002f] }));
  expect(duel.session?.error?.code).toBe("DTLS_NO_COMMON_SUITE");
  const alert = duel.adversary.heardRecords.find(({ type }) => type === ContentType.alert);
  expect([...(alert?.plaintext ?? [])]).toEqual([AlertLevel.fatal, AlertDescription.handshake_failure]);
});
