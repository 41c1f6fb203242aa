import { describe, expect, test } from "vitest";
import type { DiscardReason } from "../../../../dtls/association/outputs.ts";
import { PeerPath } from "../../../../dtls/association/peer-path.ts";
import type { Address } from "../../../../dtls/association/settings.ts";
import { generateKeyShare } from "../../../../dtls/crypto/key-agreement.ts";

const home = { address: "192.0.2.1", port: 1000 };
const away = { address: "192.0.2.1", port: 2000 };
const elsewhere = { address: "198.51.100.7", port: 3000 };

interface Seen {
  readonly path: PeerPath;
  readonly checks: { readonly message: Uint8Array; readonly to: Address }[];
  readonly moves: Address[];
  readonly discarded: DiscardReason[];
  readonly advance: (ms: number) => void;
}

function pathWith(checks: boolean): Seen {
  let now = 0;
  let drawn = 0;
  const seen = { checks: [] as Seen["checks"], moves: [] as Address[], discarded: [] as DiscardReason[] };
  const environment = {
    now: () => now,
    wallClock: () => now,
    random: (length: number) => new Uint8Array(length).fill(++drawn),
    generateKeyShare,
  };
  const path = new PeerPath(
    {
      environment,
      overhead: 41,
      sendCheck: (message, to) => seen.checks.push({ message, to }),
      onMoved: (_from, to) => seen.moves.push(to),
      discard: (reason) => seen.discarded.push(reason),
    },
    home,
    checks,
  );
  return {
    path,
    ...seen,
    advance(ms) {
      now += ms;
      path.onTimeout();
    },
  };
}

function answerTo(challenge: Uint8Array | undefined): Uint8Array {
  return Uint8Array.from([1, ...(challenge ?? []).slice(1)]);
}

describe("without return routability check", () => {
  test("RFC 9146 §6: a newer record that verified moves the peer (R11.7, G1)", () => {
    const { path, moves } = pathWith(false);
    path.onRecord(away, true, 100);
    expect(path.addressFor(1)).toEqual(away);
    expect(moves).toEqual([away]);
  });

  test("RFC 9146 §6: a record that is not newer than all before does not move it (R11.7, G1)", () => {
    const { path, moves } = pathWith(false);
    path.onRecord(away, false, 100);
    expect(path.addressFor(1)).toEqual(home);
    expect(moves).toEqual([]);
  });

  test("RFC 9146 §6: an address that proved nothing gets at most three times what came from it (G3)", () => {
    const { path } = pathWith(false);
    expect(path.addressFor(1e9)).toEqual(home);
    path.onRecord(away, true, 100);
    expect(path.addressFor(200)).toEqual(away);
    expect(path.addressFor(101)).toBeUndefined();
    expect(path.addressFor(100)).toEqual(away);
    expect(path.addressFor(1)).toBeUndefined();
    path.onRecord(away, true, 10);
    expect(path.addressFor(30)).toEqual(away);
    expect(path.addressFor(1)).toBeUndefined();
  });
});

describe("with return routability check", () => {
  test("RFC 9853 §4: a new address is challenged, and used once it has answered (R12)", () => {
    const { path, checks, moves } = pathWith(true);
    path.onRecord(away, true, 100);
    expect(moves).toEqual([]);
    expect(checks).toHaveLength(1);
    expect(checks[0]?.to).toEqual(away);
    path.onCheck(answerTo(checks[0]?.message), away);
    expect(moves).toEqual([away]);
    expect(path.addressFor(1e9)).toEqual(away);
  });

  test("RFC 9853 §4: until then it gets three times what came from it, the challenge included (G3, R12)", () => {
    const { path } = pathWith(true);
    path.onRecord(away, true, 100);
    expect(path.addressFor(251)).toEqual(home);
    expect(path.addressFor(250)).toEqual(away);
    expect(path.addressFor(1)).toEqual(home);
  });

  test("a newer record from the old address ends it: somebody else had sent from the new one (G1, G3)", () => {
    const { path, checks, moves } = pathWith(true);
    path.onRecord(away, true, 100);
    path.onRecord(home, true, 100);
    expect(path.addressFor(1)).toEqual(home);
    path.onCheck(answerTo(checks[0]?.message), away);
    expect(moves).toEqual([]);
  });

  test("RFC 9853 §4: an address that does not answer is given up for the one before (R12)", () => {
    const { path, advance } = pathWith(true);
    path.onRecord(away, true, 1_000);
    expect(path.addressFor(1)).toEqual(away);
    for (let second = 0; second < 3; second++) advance(1_000);
    expect(path.addressFor(1)).toEqual(home);
  });

  test("RFC 9853 §5: an answer with another cookie, or from elsewhere, proves nothing (R12)", () => {
    const { path, checks, moves, discarded } = pathWith(true);
    path.onRecord(away, true, 100);
    const right = answerTo(checks[0]?.message);
    path.onCheck(right, elsewhere);
    path.onCheck(Uint8Array.from([1, 9, 9, 9, 9, 9, 9, 9, 9]), away);
    expect(moves).toEqual([]);
    expect(discarded).toEqual([
      "unexpected_return_routability_message",
      "unexpected_return_routability_message",
    ]);
  });

  test("RFC 9853 §6: a challenge without an answer is repeated with a fresh cookie, then given up (R12)", () => {
    const { path, checks, moves, advance } = pathWith(true);
    path.onRecord(away, true, 100);
    for (let second = 0; second < 10; second++) advance(1_000);
    expect(checks).toHaveLength(3);
    expect(new Set(checks.map(({ message }) => Buffer.from(message).toString("hex"))).size).toBe(3);
    expect(path.deadline).toBeUndefined();
    path.onCheck(answerTo(checks[0]?.message), away);
    expect(moves).toEqual([]);
  });

  test("RFC 9853 §6: each challenge is answered at once, to where it came from (R12)", () => {
    const { path, checks } = pathWith(true);
    path.onCheck(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8]), elsewhere);
    expect(checks).toEqual([{ message: Uint8Array.from([1, 1, 2, 3, 4, 5, 6, 7, 8]), to: elsewhere }]);
  });

  test("RFC 9853 §5: unknown and malformed messages are discarded in silence (R12)", () => {
    const { path, checks, discarded } = pathWith(true);
    path.onCheck(Uint8Array.of(9), away);
    path.onCheck(Uint8Array.of(0, 1), away);
    path.onCheck(new Uint8Array(), away);
    expect(checks).toEqual([]);
    expect(discarded).toEqual([
      "unexpected_return_routability_message",
      "malformed_return_routability_message",
      "malformed_return_routability_message",
    ]);
  });
});
