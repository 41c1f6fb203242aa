// aedes-persistence's own contract, run by abstract.test.ts under `node --test`.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import abstract from "aedes-persistence/abstract.js";
import { openPersistence } from "../../../../gateway/persistence/index.ts";

const directory = mkdtempSync(join(tmpdir(), "sallyport-abstract-"));
let count = 0;

abstract({
  test,
  testAsync: true,
  persistence: () =>
    openPersistence(process.env.IN_MEMORY === "1" ? undefined : join(directory, `${count++}.sqlite`)),
});
