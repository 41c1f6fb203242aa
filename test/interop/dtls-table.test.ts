import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { tableText } from "../support/dtls-interop/table.ts";

test("docs/reference/dtls-interop.md says what these tests run: node test/support/dtls-interop/write-table.ts", () => {
  const written = readFileSync(new URL("../../docs/reference/dtls-interop.md", import.meta.url), "utf8");
  expect(written).toBe(tableText());
});
