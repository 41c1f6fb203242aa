import fc from "fast-check";
import { expect, test } from "vitest";
import { Backoff } from "../../../device-client/backoff.ts";

const almostOne = () => 1 - Number.EPSILON;

test("ceilings double from minMs up to maxMs", () => {
  const backoff = new Backoff({ minMs: 1000, maxMs: 6000, random: almostOne });
  expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([999, 1999, 3999, 5999, 5999]);
});

test("full jitter: a random of zero gives no delay at all", () => {
  const backoff = new Backoff({ minMs: 1000, maxMs: 6000, random: () => 0 });
  expect(backoff.next()).toBe(0);
});

test("reset starts again from the shortest ceiling", () => {
  const backoff = new Backoff({ minMs: 10, maxMs: 1000, random: almostOne });
  for (let i = 0; i < 5; i++) backoff.next();
  backoff.reset();
  expect(backoff.attempt).toBe(0);
  expect(backoff.next()).toBe(9);
});

test("slowly goes to the long end at once", () => {
  const backoff = new Backoff({ minMs: 10, maxMs: 1000, random: () => 0 });
  expect(backoff.next("slowly")).toBe(500);
});

test("every delay is a whole number within its ceiling, after any number of attempts", () => {
  const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.array(unit, { minLength: 1, maxLength: 80 }), (randoms) => {
      let at = 0;
      const backoff = new Backoff({ minMs: 500, maxMs: 30_000, random: () => randoms[at++] ?? 0 });
      for (let attempt = 0; attempt < randoms.length; attempt++) {
        const delay = backoff.next();
        expect(Number.isSafeInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThan(Math.min(30_000, 500 * 2 ** attempt));
      }
    }),
  );
});
