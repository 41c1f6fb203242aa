import { existsSync } from "node:fs";
import { readBoundedFile } from "../../pki/index.ts";
import { readAccessFile } from "../access-file.ts";
import { readSettings } from "../settings.ts";
import type { StateFiles } from "../state-directory.ts";
import type { Finding } from "./examine.ts";

export function examineSettings(files: StateFiles): Finding[] {
  const dangerous = dangerousKeys(files);
  if (dangerous.length > 0) return dangerous;
  readSettings(files.settings);
  return [{ level: "ok", check: "settings", message: "no dangerous… setting" }];
}

export function examineAccess(files: StateFiles): Finding[] {
  const policy = readAccessFile(files.access);
  const rules = policy.device ?? {};
  // A device's topic without its own id in it is every device's topic.
  const shared = [...(rules.publish ?? []), ...(rules.subscribe ?? [])].filter(
    (template) => !template.split("/").some((level) => level === "{id}" || level === "{group}"),
  );
  if (shared.length === 0)
    return [{ level: "ok", check: "access", message: "each device has topics of its own only" }];
  const message = `every device may use ${shared.join(", ")}`;
  const next = `put {id} into the template in ${files.access}, unless that is what you want`;
  return [{ level: "warning", check: "access", message, next }];
}

/** A weaker choice is spelled `dangerously…` wherever there is one. */
function dangerousKeys(files: StateFiles): Finding[] {
  return [files.settings, files.access]
    .filter((path) => existsSync(path))
    .flatMap((path) =>
      [
        ...readBoundedFile(path)
          .toString("utf8")
          .matchAll(/"(dangerously[^"]*)"\s*:/g),
      ].map(
        (found): Finding => ({
          level: "error",
          check: "settings",
          message: `${path} sets ${found[1]}`,
          next: "take it out",
        }),
      ),
    );
}
