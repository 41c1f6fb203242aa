import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readBoundedFile } from "../../../pki/index.ts";
import { tempDirectory } from "../../support/temp-directory.ts";

describe("readBoundedFile", () => {
  test("a file up to the bound is read whole, one byte more is refused", async () => {
    await using directory = tempDirectory();
    const path = join(directory.path, "f");
    writeFileSync(path, "x".repeat(70_000));
    expect(readBoundedFile(path, 70_000)).toHaveLength(70_000);
    expect(() => readBoundedFile(path, 69_999)).toThrow(expect.objectContaining({ code: "EFBIG" }));
  });

  test.skipIf(!existsSync("/dev/zero"))("a device without an end is read no further than the bound", () => {
    expect(() => readBoundedFile("/dev/zero", 1000)).toThrow(expect.objectContaining({ code: "EFBIG" }));
  });

  test("a missing file is the system's error", () => {
    expect(() => readBoundedFile("/nonexistent/f")).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });
});
