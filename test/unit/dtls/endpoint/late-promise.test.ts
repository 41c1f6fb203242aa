import { expect, test } from "vitest";
import { LatePromise } from "../../../../dtls/endpoint/late-promise.ts";

test("it settles whoever asks before, and whoever asks after", async () => {
  const late = new LatePromise<number>();
  const before = late.promise;
  late.resolve(1);
  expect(await before).toBe(1);
  expect(await late.promise).toBe(1);
  expect(late.promise).toBe(before);
});

test("the first of resolve and reject counts", async () => {
  const resolved = new LatePromise<number>();
  resolved.resolve(1);
  resolved.reject(new Error("late"));
  expect(await resolved.promise).toBe(1);
  const rejected = new LatePromise<number>();
  rejected.reject(new Error("first"));
  rejected.resolve(1);
  await expect(rejected.promise).rejects.toThrow("first");
});

test("a rejection that nobody waits for is not unhandled (I)", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const late = new LatePromise<number>();
  late.reject(new Error("nobody listens"));
  expect(late.promise).toBeInstanceOf(Promise);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});
