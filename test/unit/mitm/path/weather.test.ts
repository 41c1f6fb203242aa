import { expect, test } from "vitest";
import { Changes } from "../../../../mitm/path/ends.ts";
import { flipBit, suffer } from "../../../../mitm/path/weather.ts";
import { Prng } from "../../../../mitm/prng.ts";

const datagram = Uint8Array.from({ length: 64 }, (_, index) => index);

test("the same seed makes the same weather", () => {
  const bad = { drop: 0.3, duplicate: 0.3, reorder: 0.5, corrupt: 0.5 };
  const week = (seed: number) => {
    const prng = new Prng(seed);
    return Array.from({ length: 50 }, () => suffer(datagram, bad, prng));
  };
  expect(week(3)).toEqual(week(3));
  expect(week(3)).not.toEqual(week(4));
  const arriving = week(3);
  expect(arriving.some((copies) => copies.length === 0)).toBe(true);
  expect(arriving.some((copies) => copies.length === 2)).toBe(true);
  expect(arriving.flat().some(({ delayMs }) => delayMs > 0)).toBe(true);
});

test("fair weather changes nothing, and a small MTU lets nothing larger through", () => {
  expect(suffer(datagram, {}, new Prng(1))).toEqual([{ bytes: datagram, delayMs: 0 }]);
  expect(suffer(datagram, { mtu: 63 }, new Prng(1))).toEqual([]);
});

test("one bit is flipped, within the tail where one is asked for", () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const flipped = flipBit(datagram, new Prng(seed), 8);
    const changed = [...flipped.keys()].filter((index) => flipped[index] !== datagram[index]);
    expect(changed).toHaveLength(1);
    expect(changed[0]).toBeGreaterThanOrEqual(datagram.length - 8);
  }
  expect(flipBit(new Uint8Array(), new Prng(1))).toHaveLength(0);
});

test("a wait ends as soon as something holds, at its time limit, or on a signal", async () => {
  const changes = new Changes();
  let count = 0;
  const three = changes.until(() => count === 3, 10_000);
  while (count < 3) {
    count += 1;
    changes.tell();
  }
  expect(await three).toBe(true);
  expect(await changes.until(() => false, 1)).toBe(false);
  const given = new AbortController();
  const waiting = changes.until(() => false, 10_000, given.signal);
  given.abort();
  expect(await waiting).toBe(false);
  expect(await changes.until(() => false, 10_000, given.signal)).toBe(false);
});
