import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RevocationWatch, watchIntervalMs } from "../../../gateway/revocation-watch.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function watching(over: Partial<ConstructorParameters<typeof RevocationWatch>[0]> = {}) {
  const seen = { counter: 1, judged: 0, ticks: 0, errors: [] as unknown[] };
  const watch = new RevocationWatch({
    changeCounter: () => seen.counter,
    subjects: () => Array.from({ length: 5 }, () => () => seen.judged++),
    onTick: () => seen.ticks++,
    onError: (error) => seen.errors.push(error),
    ...over,
  });
  return { seen, watch };
}

test("nothing is judged while nothing changes", async () => {
  const { seen, watch } = watching();
  await vi.advanceTimersByTimeAsync(10 * watchIntervalMs);
  expect(seen).toMatchObject({ judged: 0, ticks: 10 });
  watch.stop();
});

test("a change is noticed within one interval, once, and in either direction", async () => {
  const { seen, watch } = watching();
  seen.counter = 2;
  await vi.advanceTimersByTimeAsync(watchIntervalMs);
  expect(seen.judged).toBe(5);
  await vi.advanceTimersByTimeAsync(4 * watchIntervalMs);
  expect(seen.judged).toBe(5);
  seen.counter = 1;
  await vi.advanceTimersByTimeAsync(watchIntervalMs);
  expect(seen.judged).toBe(10);
  watch.stop();
});

test("a change during a round starts another round", async () => {
  const { seen, watch } = watching({ slice: 1 });
  seen.counter = 2;
  vi.advanceTimersByTime(watchIntervalMs);
  seen.counter = 3;
  await vi.advanceTimersByTimeAsync(3 * watchIntervalMs);
  expect(seen.judged).toBe(10);
  watch.stop();
});

test("one judgement that fails does not keep the others from being made", async () => {
  const judged: number[] = [];
  const subjects = () =>
    [1, 2, 3].map((n) => () => {
      if (n === 2) throw new Error("no");
      judged.push(n);
    });
  const { seen, watch } = watching({ subjects });
  seen.counter = 2;
  await vi.advanceTimersByTimeAsync(watchIntervalMs);
  expect(judged).toEqual([1, 3]);
  expect(seen.errors).toHaveLength(1);
  watch.stop();
});

test("a registry that cannot be asked is reported once, and asked again", async () => {
  let broken = true;
  let counter = 1;
  const { seen, watch } = watching({
    changeCounter: () => {
      if (broken) throw new Error("gone");
      return counter;
    },
  });
  await vi.advanceTimersByTimeAsync(3 * watchIntervalMs);
  expect(seen.errors).toHaveLength(1);
  broken = false;
  counter = 2;
  await vi.advanceTimersByTimeAsync(watchIntervalMs);
  expect(seen.judged).toBe(5);
  watch.stop();
});

test("after stop nothing happens", async () => {
  const { seen, watch } = watching();
  watch.stop();
  seen.counter = 2;
  await vi.advanceTimersByTimeAsync(10 * watchIntervalMs);
  expect(seen).toMatchObject({ judged: 0, ticks: 0 });
});
