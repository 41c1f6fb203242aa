import { readFileSync } from "node:fs";

/** package.json stands one folder up in a clone and two in a built package. */
export function version(): string {
  for (const place of ["../package.json", "../../package.json"]) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8"));
      if (manifest !== null && typeof manifest === "object" && "version" in manifest)
        return String(manifest.version);
    } catch {
      continue;
    }
  }
  return "unknown";
}
