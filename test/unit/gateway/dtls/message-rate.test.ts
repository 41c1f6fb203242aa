import { expect, test } from "vitest";
import { MessageRate } from "../../../../gateway/dtls/message-rate.ts";

test("a second's worth at once, and then no more than so many a second", () => {
  const rate = new MessageRate(10, 1000);
  const taken = (nowMs: number, tries: number) =>
    Array.from({ length: tries }, () => rate.take(nowMs)).filter(Boolean).length;
  expect(taken(1000, 50)).toBe(10);
  expect(taken(1050, 5)).toBe(0);
  expect(taken(1100, 5)).toBe(1);
  expect(taken(1600, 50)).toBe(5);
});

test("silence saves up one second's worth and no more", () => {
  const rate = new MessageRate(3, 0);
  expect([rate.take(3_600_000), rate.take(3_600_000), rate.take(3_600_000), rate.take(3_600_000)]).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
