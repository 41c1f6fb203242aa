import { expect, test } from "vitest";
import { ReadRate } from "../../../../gateway/mqtt/read-rate.ts";

const limits = { messagesPerSecond: 100, bytesPerSecond: 1000 };

test("one second's worth passes at once, what is beyond is waited for", () => {
  const rate = new ReadRate(limits, 0);
  expect(rate.take(10, 100, 0)).toBe(0);
  expect(rate.take(10, 50, 0)).toBe(500);
  expect(rate.take(0, 0, 500)).toBe(0);
});

test("bytes and messages are counted apart, and the longer wait holds", () => {
  const rate = new ReadRate(limits, 0);
  expect(rate.take(3000, 1, 0)).toBe(2000);
});

test("an idle connection saves up no more than one second's worth", () => {
  const rate = new ReadRate(limits, 0);
  expect(rate.take(0, 200, 3_600_000)).toBe(1000);
});

test("a clock that goes back gives nothing for it", () => {
  const rate = new ReadRate(limits, 1000);
  rate.take(0, 100, 1000);
  expect(rate.take(0, 1, 0)).toBe(10);
});
