import { describe, expect, test } from "vitest";
import { Prng } from "../../../../mitm/prng.ts";
import { type Duel, DuelWithClient, DuelWithServer } from "../../../support/dtls/duel.ts";
import { suiteNamed } from "../../../support/dtls/settings.ts";
import { drawWalk, walkOn } from "../../../support/dtls/walk.ts";

/*
 * Random walks over the alphabet, against a server that demands client certificates and against a client: a session
 * only ever comes out of the legal order. A failure prints its walk; EXPLORATION_WALKS sets how many there are.
 */

const walks = Number(process.env["EXPLORATION_WALKS"] ?? 100_000);
const certificates = suiteNamed("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
const preShared = suiteNamed("TLS_PSK_WITH_AES_128_CCM_8");

describe("random walks", () => {
  const kinds = [
    [
      "a server with client certificates",
      0.6,
      (seed: number) => new DuelWithServer({ seed, suite: certificates }),
    ],
    ["a server with pre-shared keys", 0.1, (seed: number) => new DuelWithServer({ seed, suite: preShared })],
    ["a client with certificates", 0.25, (seed: number) => new DuelWithClient({ seed, suite: certificates })],
    ["a client with pre-shared keys", 0.05, (seed: number) => new DuelWithClient({ seed, suite: preShared })],
  ] as const;
  for (const [who, share, begin] of kinds) {
    const count = Math.ceil(walks * share);
    test(`${count} walks against ${who}: never a session outside the legal order (A1, A3, B1, B2, B4, U13)`, () => {
      const established = explore(count, begin);
      // Otherwise the walks would be too wild to find anything.
      expect(established / count).toBeGreaterThan(0.02);
      expect(established / count).toBeLessThan(0.9);
    }, 300_000);
  }
});

function explore(count: number, begin: (seed: number) => Duel): number {
  const prng = new Prng(count);
  let established = 0;
  for (let index = 0; index < count; index += 1) {
    // Walks of one seed share their random values, and so the signatures that are remembered.
    const duel = begin(Math.floor(index / 500));
    const walk = drawWalk(prng, duel);
    expect(walkOn(duel, walk)).toBeUndefined();
    if (duel.session?.established) established += 1;
  }
  return established;
}
