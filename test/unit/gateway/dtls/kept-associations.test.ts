import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, utimesSync } from "node:fs";
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

test("a copy, as from a backup, is not taken: its inode is younger than what it says", () => {
  let now = Date.now() - 60_000;
  const store = new KeptAssociations(directory, () => now);
  // What this writes says that it is a minute old, as a copy does that was made a minute later.
  store.keep(kept);
  // `cp -p`, tar and every backup put the other times back.
  for (const name of readdirSync(directory)) utimesSync(join(directory, name), now / 1000, now / 1000);
  now = Date.now();
  expect(store.take()).toBeUndefined();
  expect(readdirSync(directory)).toEqual([]);
});

test("a key file that is cut off, or longer, opens nothing, and is removed", () => {
  const store = new KeptAssociations(directory);
  for (const bytes of [0, 7, 8, 24, 39, 41]) {
    store.keep(kept);
    truncateSync(join(directory, "dtls-associations.key"), bytes);
    expect(store.take()).toBeUndefined();
    expect(readdirSync(directory)).toEqual([]);
  }
});

test("what cannot be read is an error once, and gone all the same", () => {
  const store = new KeptAssociations(directory);
  store.keep(kept);
  truncateSync(join(directory, "dtls-associations.key"), 2000);
  expect(() => store.take()).toThrow(expect.objectContaining({ code: "EFBIG" }));
  expect(readdirSync(directory)).toEqual([]);
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

test.skipIf(process.platform === "win32")(
  "a pipe in the place of a file does not hold the gateway up",
  () => {
    const store = new KeptAssociations(directory);
    for (const name of ["dtls-associations", "dtls-associations.key"]) {
      store.keep(kept);
      rmSync(join(directory, name));
      execFileSync("mkfifo", [join(directory, name)]);
      expect(store.take()).toBeUndefined();
      expect(readdirSync(directory)).toEqual([]);
    }
  },
);

test.skipIf(process.getuid?.() === 0)("what cannot be removed is not used", () => {
  const store = new KeptAssociations(directory);
  store.keep(kept);
  chmodSync(directory, 0o500);
  expect(() => store.take()).toThrow(/EACCES|EPERM/);
  chmodSync(directory, 0o700);
});
