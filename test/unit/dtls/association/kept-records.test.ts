import { describe, expect, test } from "vitest";
import { DuelWithServer } from "../../../support/dtls/duel.ts";
import { withHeaderOf } from "../../../support/dtls/refragment.ts";

const maxQueuedBytes = 10_000;

/** A handshake up to the client's ChangeCipherSpec: keys are there, and the proof of them is not. */
function beforeFinished(upTo: "CHANGE_CIPHER_SPEC" | "CLIENT_KEY_EXCHANGE"): DuelWithServer {
  const duel = new DuelWithServer({ server: { maxQueuedBytes, maxHandshakeMessageBytes: 5000 } });
  for (const name of duel.rightOrder.slice(0, duel.rightOrder.indexOf(upTo) + 1)) duel.say(name);
  return duel;
}

function goOn(duel: DuelWithServer, after: "CHANGE_CIPHER_SPEC" | "CLIENT_KEY_EXCHANGE"): void {
  for (const name of duel.rightOrder.slice(duel.rightOrder.indexOf(after) + 1)) duel.say(name);
  expect(duel.session?.established).toBe(true);
}

const emptyRecord = (sequence: number) =>
  withHeaderOf({ type: 23, version: 0xfefd, epoch: 1 }, sequence, new Uint8Array());

describe("what is kept until Finished has been verified", () => {
  test.each([0, 1, 100])(
    "application data of %i bytes before Finished is kept up to the limit, and each record counts (A3, D7)",
    (length) => {
      const duel = beforeFinished("CHANGE_CIPHER_SPEC");
      for (let nth = 0; nth < 3000; nth += 1) {
        duel.feed(duel.adversary.applicationData(new Uint8Array(length)));
      }
      goOn(duel, "CHANGE_CIPHER_SPEC");
      const kept = duel.session?.received.length ?? 0;
      expect(kept).toBeGreaterThan(10);
      expect(kept).toBeLessThan(maxQueuedBytes / 100);
      expect(duel.session?.discarded.filter((reason) => reason === "queue_full")).toHaveLength(3000 - kept);
    },
  );

  test("records of the next epoch are kept up to the limit, be they empty (B2, D7)", () => {
    const duel = beforeFinished("CLIENT_KEY_EXCHANGE");
    const datagram = Buffer.concat(Array.from({ length: 3000 }, (_, nth) => emptyRecord(nth)));
    duel.feed(datagram);
    const full = duel.session?.discarded.filter((reason) => reason === "queue_full").length ?? 0;
    expect(full).toBeGreaterThan(3000 - maxQueuedBytes / 100);
    goOn(duel, "CLIENT_KEY_EXCHANGE");
  });

  test("what a stranger filled the room with is out of the way once records can be opened (B2, D7)", () => {
    const duel = beforeFinished("CLIENT_KEY_EXCHANGE");
    for (let nth = 0; nth < 100; nth += 1) duel.feed(emptyRecord(2 ** 40 + nth));
    duel.say("CERTIFICATE_VERIFY");
    duel.say("CHANGE_CIPHER_SPEC");
    duel.say("APPLICATION_DATA");
    duel.say("FINISHED");
    expect(duel.session?.received).toHaveLength(1);
  });
});
