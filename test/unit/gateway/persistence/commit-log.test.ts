import { expect, test } from "vitest";
import { CommitLog } from "../../../../gateway/persistence/commit-log.ts";
import type { Operation } from "../../../../gateway/persistence/operations.ts";
import { SlowStore, settledBy, turns } from "./harness.ts";

const operation = (n: number): Operation => ["dropMessage", n];

function open() {
  const store = new SlowStore();
  const failures: Error[] = [];
  return { store, failures, log: new CommitLog(store, (error) => failures.push(error)) };
}

test("what gathers while one transaction is written goes out as the next one", async () => {
  const { store, log } = open();
  log.append(operation(0));
  await turns();
  for (let n = 1; n <= 100; n++) log.append(operation(n));
  await turns();
  expect(store.transactions.map((t) => t.length)).toEqual([1]);
  await store.written();
  expect(store.transactions.map((t) => t.length)).toEqual([1, 100]);
  await store.written();
  expect(store.transactions.flat()).toEqual(Array.from({ length: 101 }, (_, n) => operation(n)));
  expect(log.idle).toBe(true);
});

test("nobody is told before what they wait for is written", async () => {
  const { store, log } = open();
  log.append(operation(1));
  const first = log.durable();
  await turns();
  log.append(operation(2));
  const second = log.durable();
  expect(await settledBy(first)).toBe("pending");
  await store.written();
  expect(await settledBy(first)).toBe("resolved");
  expect(await settledBy(second)).toBe("pending");
  await store.written();
  expect(await settledBy(second)).toBe("resolved");
});

test("with nothing on its way there is nothing to wait for", async () => {
  const { store, log } = open();
  expect(await settledBy(log.durable())).toBe("resolved");
  expect(store.transactions).toEqual([]);
});

test("waiters are told in order, each with its reaction complete before the next", async () => {
  const { store, log } = open();
  const seen: string[] = [];
  log.append(operation(1));
  const react = async (name: string) => {
    await log.durable();
    seen.push(`${name} begins`);
    for (let hop = 0; hop < 10; hop++) await Promise.resolve();
    seen.push(`${name} ends`);
  };
  const reactions = [react("a"), react("b"), react("c")];
  await store.written();
  await Promise.all(reactions);
  expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("an error rejects everybody, is reported once, and ends all writing", async () => {
  const { store, log, failures } = open();
  log.append(operation(1));
  const committing = log.durable();
  await turns();
  log.append(operation(2));
  const waiting = log.durable();
  const both = Promise.allSettled([committing, waiting]);
  await store.failed("database or disk is full");
  for (const outcome of await both) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "GATEWAY_STATE_FAILED" } });
  }
  log.append(operation(3));
  await expect(log.durable()).rejects.toMatchObject({ code: "GATEWAY_STATE_FAILED" });
  await turns();
  expect(store.transactions).toHaveLength(1);
  expect(failures).toHaveLength(1);
});

test("an error that nobody waits for is reported, and rejects nothing unheard", async () => {
  const { store, log, failures } = open();
  log.append(operation(1));
  await store.failed("disk I/O error");
  expect(failures).toMatchObject([{ code: "GATEWAY_STATE_FAILED" }]);
});

test("close writes what is left and refuses what comes later", async () => {
  const { store, log } = open();
  log.append(operation(1));
  const closed = log.close();
  expect(await settledBy(closed)).toBe("pending");
  await store.written();
  await closed;
  expect(store.transactions).toEqual([[operation(1)]]);
  await expect(log.durable()).rejects.toMatchObject({ code: "GATEWAY_STATE_CLOSED" });
});
