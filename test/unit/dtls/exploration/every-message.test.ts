import { describe, expect, test } from "vitest";
import { AuthenticatedPeer } from "../../../../dtls/handshake/peer.ts";
import { dataOfEpoch1, letterNamed, type Manner, plainly } from "../../../support/dtls/alphabet.ts";
import { type Duel, DuelWithClient, DuelWithServer } from "../../../support/dtls/duel.ts";
import { suiteNamed } from "../../../support/dtls/settings.ts";
import { type Step, walkOn } from "../../../support/dtls/walk.ts";

/*
 * Every message in every state. A state is what a right handshake has reached after its first n messages; there, each
 * other message is said in each epoch, counted as the next one or beside the handshake, and then the handshake goes on
 * without the message that was awaited. That must never establish anything: else the odd message stood for it.
 */

const manners: Record<string, Manner> = {
  "as the next message": plainly,
  "beside the handshake": { rightEpoch: true, counted: false },
  "in the wrong epoch": { rightEpoch: false, counted: false },
  "as the next message in the wrong epoch": { rightEpoch: false, counted: true },
};

const suites = ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_PSK_WITH_AES_128_CCM_8"].map(suiteNamed);

describe.each(suites)("$name, a server", (suite) => {
  exploreStates(() => new DuelWithServer({ suite }), new Set());
});

describe.each(suites)("$name, a client", (suite) => {
  // Without these a client goes on: the cookie exchange, a certificate of the client, and a PSK hint are a server's choice.
  const optional = ["HELLO_VERIFY_REQUEST", "CERTIFICATE_REQUEST"];
  if (suite.keyExchange === "PSK") optional.push("SERVER_KEY_EXCHANGE");
  exploreStates(() => new DuelWithClient({ suite }), new Set(optional));
});

function exploreStates(begin: () => Duel, optional: ReadonlySet<string>): void {
  const { alphabet, rightOrder } = begin();

  test("a right handshake is established by its last message and by none before", () => {
    const duel = begin();
    for (const name of rightOrder) {
      expect(duel.session?.established ?? false, `before ${name}`).toBe(false);
      duel.say(name);
    }
    expect(duel.session?.established, String(duel.session?.error)).toBe(true);
    expect(AuthenticatedPeer.is(duel.session?.association.peer)).toBe(true);
  });

  for (const [state, awaited] of rightOrder.entries()) {
    test(`awaiting ${awaited}, no other message stands for it (A1, B1, B2, B4)`, () => {
      const before = rightOrder.slice(0, state).map(asStep);
      const after = rightOrder.slice(state + 1).map(asStep);
      for (const letter of alphabet) {
        for (const [how, manner] of Object.entries(manners)) {
          if (letter.name === awaited && manner.rightEpoch) continue;
          const duel = begin();
          const wrong = walkOn(duel, [...before, { letter, manner }, ...after]);
          expect(wrong, `${letter.name} ${how}`).toBeUndefined();
          // What says nothing else: without the awaited message there is no session, or it was not needed.
          const needed = !optional.has(awaited) && !isSynonym(letter.name, awaited);
          expect(needed && duel.session?.established === true, `${letter.name} ${how}`).toBe(false);
        }
      }
    });
  }

  test("established: no message begins anything anew, and data is that of epoch 1 alone (B4, C1, C2, C3)", () => {
    for (const letter of alphabet) {
      for (const [how, manner] of Object.entries(manners)) {
        const duel = reach(begin, rightOrder.length);
        const { session } = duel;
        const peer = session?.association.peer;
        duel.say(letter.name, manner);
        const ends = manner.rightEpoch && (letter.name === "CLOSE_NOTIFY" || letter.name === "FATAL_ALERT");
        expect(session?.closed, `${letter.name} ${how}`).toBe(ends);
        const data = letter.name === "APPLICATION_DATA" && manner.rightEpoch ? [dataOfEpoch1] : [];
        expect(session?.received.map((bytes) => Buffer.from(bytes))).toEqual(data);
        expect(session?.association.peer).toBe(peer);
      }
    }
  });

  function asStep(name: string): Step {
    return { letter: letterNamed(alphabet, name), manner: plainly };
  }

  /** One message under two names: any hello is the first, and with pre-shared keys there is one key exchange. */
  function isSynonym(name: string, awaited: string): boolean {
    return (
      (awaited === "CLIENT_HELLO" && name.startsWith("CLIENT_HELLO")) ||
      (awaited === "CLIENT_KEY_EXCHANGE" && name === "PSK_CLIENT_KEY_EXCHANGE")
    );
  }
}

function reach(begin: () => Duel, state: number): Duel {
  const duel = begin();
  for (const name of duel.rightOrder.slice(0, state)) duel.say(name);
  return duel;
}
