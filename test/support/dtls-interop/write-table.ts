import { writeFileSync } from "node:fs";
import { tableText } from "./table.ts";

writeFileSync(new URL("../../../docs/reference/dtls-interop.md", import.meta.url), tableText());
