import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

/**
 * The table of ARCHITECTURE.md, "Who may import whom". A name that ends in "/" allows the whole folder;
 * `node:` modules and a folder's own files are always allowed.
 */
const mayImport: Record<string, readonly string[]> = {
  pki: [],
  dtls: [],
  gateway: ["pki/index.ts", "dtls/index.ts", "aedes", "qlobber"],
  "device-client": ["pki/index.ts", "dtls/index.ts", "mqtt", "node-dtls-client"],
  // The lab forges: it seals records and derives keys as a real peer does, and writes certificates that no profile allows.
  mitm: ["dtls/index.ts", "dtls/wire/", "dtls/crypto/", "dtls/record/", "pki/", "mqtt-packet"],
  cli: [
    "mitm/index.ts",
    "pki/index.ts",
    "pki/authority/index.ts",
    "dtls/index.ts",
    "gateway/index.ts",
    "device-client/index.ts",
    "commander",
    "cli-progress",
    "cli-table3",
  ],
  examples: [
    "mitm/index.ts",
    "pki/index.ts",
    "pki/authority/index.ts",
    "dtls/index.ts",
    "gateway/index.ts",
    "device-client/index.ts",
    // Programs for the lab to attack.
    "aedes",
    "mqtt",
  ],
};

/** Rules narrower than a folder: files below `under` may import these too, or (`only`) nothing else of that name. */
const compat = { under: "pki/compat/", module: "node-forge" };
const privateSide = "pki/authority/";

const specifiers =
  /^(?:import|export)\b[^"]*?from "([^"]+)";$|^import "([^"]+)";$|\bimport\("([^"]+)"\)|\brequire\("([^"]+)"\)/gm;

function importsOf(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(specifiers)].map((found) => {
    const name = found[1] ?? found[2] ?? found[3] ?? found[4] ?? "";
    return name.startsWith(".") ? join(dirname(file), name) : name;
  });
}

function allowed(file: string, target: string, table: readonly string[]): boolean {
  const folder = `${file.split("/")[0]}/`;
  if (target === compat.module) return file.startsWith(compat.under);
  // pki's public side must not lean on the private-key side: the gateway would carry it along.
  if (folder === "pki/" && target.startsWith(privateSide)) return file.startsWith(privateSide);
  if (target.startsWith("node:") || target.startsWith(folder)) return true;
  return table.some((name) => (name.endsWith("/") ? target.startsWith(name) : target === name));
}

describe("who may import whom", () => {
  for (const [folder, table] of Object.entries(mayImport)) {
    test(`${folder}/ imports only what ARCHITECTURE.md lets it`, () => {
      const files = globSync(`${folder}/**/*.ts`);
      expect(files.length, `${folder}/ holds no file: the table is stale`).toBeGreaterThan(0);
      const wrong = files.flatMap((file) =>
        importsOf(file)
          .filter((target) => !allowed(file, target, table))
          .map((target) => `${file} -> ${target}`),
      );
      expect(wrong).toEqual([]);
    });
  }

  test("the check sees a forbidden import", () => {
    expect(allowed("gateway/gateway.ts", "pki/authority/index.ts", mayImport["gateway"] ?? [])).toBe(false);
    expect(allowed("gateway/gateway.ts", "pki/x509/certificate.ts", mayImport["gateway"] ?? [])).toBe(false);
    expect(allowed("gateway/gateway.ts", "dtls/wire/record.ts", mayImport["gateway"] ?? [])).toBe(false);
    expect(allowed("dtls/index.ts", "pki/index.ts", mayImport["dtls"] ?? [])).toBe(false);
    expect(allowed("dtls/index.ts", "pki/index.ts", mayImport["dtls"] ?? [])).toBe(false);
    expect(allowed("dtls/index.ts", "node-dtls-client", mayImport["dtls"] ?? [])).toBe(false);
    expect(allowed("gateway/peer.ts", "dtls/handshake/peer.ts", mayImport["gateway"] ?? [])).toBe(false);
    expect(allowed("mitm/dtls/client.ts", "dtls/endpoint/listen.ts", mayImport["mitm"] ?? [])).toBe(false);
    expect(allowed("mitm/dtls/client.ts", "dtls/wire/record.ts", mayImport["mitm"] ?? [])).toBe(true);
    expect(allowed("mitm/index.ts", "gateway/index.ts", mayImport["mitm"] ?? [])).toBe(false);
    expect(allowed("cli/mitm/own-gateway.ts", "mitm/targets.ts", mayImport["cli"] ?? [])).toBe(false);
    expect(allowed("pki/index.ts", "pki/authority/index.ts", [])).toBe(false);
    expect(allowed("pki/x509/certificate.ts", "node-forge", [])).toBe(false);
    expect(allowed("pki/compat/pkcs12.ts", "node-forge", [])).toBe(true);
    expect(allowed("device-client/index.ts", "gateway/index.ts", mayImport["device-client"] ?? [])).toBe(
      false,
    );
  });

  test("ARCHITECTURE.md states the same table", () => {
    const page = readFileSync("ARCHITECTURE.md", "utf8");
    for (const folder of Object.keys(mayImport)) {
      expect(page, `${folder} has a row`).toMatch(new RegExp(`^\\| \`${folder}\` \\|`, "m"));
    }
  });
});
