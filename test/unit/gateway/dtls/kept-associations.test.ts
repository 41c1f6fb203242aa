import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KeptAssociations } from "../../../../gateway/dtls/kept-associations.ts";

const kept = { key: new Uint8Array(32).fill(7), associations: new Uint8Array(500).fill(9) };
let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-kept-"));
  file = join(directory, "dtls-associations");
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("what was kept is taken once, and is gone from the disk by then", () => {
  const store = new KeptAssociations(directory);
  store.keep(kept);
  expect(readdirSync(directory).toSorted()).toEqual(["dtls-associations", "dtls-associations.key"]);
  const taken = store.take();
  expect(Buffer.compare(taken?.key ?? Buffer.alloc(0), kept.key)).toBe(0);
  expect(Buffer.compare(taken?.associations ?? Buffer.alloc(0), kept.associations)).toBe(0);
  expect(readdirSync(directory)).toEqual([]);
  expect(store.take()).toBeUndefined();
});

test("both files are their owner's alone", () => {
  new KeptAssociations(directory).keep(kept);
  for (const name of readdirSync(directory)) {
    expect(statSync(join(directory, name)).mode & 0o777, name).toBe(0o600);
  }
});

test("after an hour it is not taken any more, and gone all the same", () => {
  let now = Date.now();
  const store = new KeptAssociations(directory, () => now);
  store.keep(kept);
  now += 61 * 60 * 1000;
  expect(store.take()).toBeUndefined();
  expect(readdirSync(directory)).toEqual([]);
});

test("a clock that was set back takes it as little", () => {
  let now = Date.now();
  const store = new KeptAssociations(directory, () => now);
  store.keep(kept);
  now -= 2 * 60 * 1000;
  expect(store.take()).toBeUndefined();
});

test("a copy that keeps the times of the original, as from a backup, is not taken", () => {
  let now = Date.now();
  const store = new KeptAssociations(directory, () => now);
  store.keep(kept);
  const backup = join(directory, "backup");
  copyFileSync(file, backup);
  const { atimeMs, mtimeMs } = statSync(file);
  store.take();
  store.keep(kept);
  copyFileSync(backup, file);
  // As `cp -p`, tar and every backup do, of a file that was made ten minutes earlier.
  utimesSync(file, (atimeMs - 600_000) / 1000, (mtimeMs - 600_000) / 1000);
  now = Date.now();
  expect(store.take()).toBeUndefined();
  expect(existsSync(file)).toBe(false);
});

test("associations without their key, and a key without associations, are removed and not taken", () => {
  const store = new KeptAssociations(directory);
  store.keep(kept);
  rmSync(join(directory, "dtls-associations.key"));
  expect(store.take()).toBeUndefined();
  store.keep(kept);
  rmSync(file);
  expect(store.take()).toBeUndefined();
  expect(readdirSync(directory)).toEqual([]);
});

test.skipIf(process.getuid?.() === 0)("what cannot be removed is not used", () => {
  const store = new KeptAssociations(directory);
  store.keep(kept);
  chmodSync(directory, 0o500);
  expect(() => store.take()).toThrow(/EACCES|EPERM/);
  chmodSync(directory, 0o700);
});
