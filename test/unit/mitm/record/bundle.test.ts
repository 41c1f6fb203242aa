import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { assertBundlePlace, readBundle, writeBundle } from "../../../../mitm/record/bundle.ts";
import { Recorder } from "../../../../mitm/record/recorder.ts";
import type { RunReport } from "../../../../mitm/report/run-report.ts";
import { mintCa, mintDevice, mintRoot } from "../../../support/chain-builder.ts";
import { brokenRun, hostileText, sampleCase, sampleRun } from "../../../support/mitm/sample-runs.ts";
import { tempDirectory } from "../../../support/temp-directory.ts";

const secret = `CLIENT_RANDOM ${"ab".repeat(32)} ${"cd".repeat(48)}`;
const certificate = mintDevice(mintCa(mintRoot()), "pump-1").der;

/** Recordings of the first cases of a run, with a certificate and a packet. */
function recordingsOf(report: RunReport): Map<string, Recorder> {
  return new Map(
    report.cases.slice(0, 3).map(({ id }) => {
      const recorder = new Recorder();
      const connection = recorder.connection({
        protocol: "tcp",
        client: { address: "127.0.0.1", port: 40_000 },
        server: { address: "127.0.0.1", port: 8883 },
      });
      recorder.packet(connection, "client", Buffer.from([22, 3, 1, 0, 0]));
      recorder.certificate("shown to the gateway, leaf.pem", certificate);
      recorder.secret(secret);
      return [id, recorder];
    }),
  );
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof Error && "code" in error
    ? `${String(error.code)}: ${error.message}`
    : String(error);
}

describe("the evidence folder", () => {
  test("holds every report, the capture with its keys, and a transcript and certificates for each case", async () => {
    await using directory = tempDirectory();
    const folder = join(directory.path, "evidence");
    const report = brokenRun();
    const written = await writeBundle(folder, { report, recordings: recordingsOf(report) });
    expect(readdirSync(folder).toSorted()).toEqual([
      "capture.pcapng",
      "certificates",
      "junit.xml",
      "keys.log",
      "report.html",
      "results.sarif",
      "run.json",
      "transcripts",
    ]);
    expect(readFileSync(join(folder, "keys.log"), "utf8")).toBe(`${secret}\n`);
    expect(readdirSync(join(folder, "transcripts"))).toHaveLength(report.cases.length);
    expect(written.cases[0]?.files).toEqual([
      "transcripts/D-CERT-01-tls.txt",
      "certificates/D-CERT-01-tls/shown-to-the-gateway-leaf.pem",
    ]);
    for (const file of written.cases.flatMap(({ files }) => files))
      expect(existsSync(join(folder, file)), file).toBe(true);
    const pem = readFileSync(join(folder, written.cases[0]?.files[1] ?? ""), "utf8");
    expect(pem).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    // What is undefined in a document is left out of its file.
    expect(readBundle(folder)).toEqual(JSON.parse(JSON.stringify(written)));
  });

  test("is for its owner only, and leaves nothing beside it", async () => {
    await using directory = tempDirectory();
    const folder = join(directory.path, "new", "evidence");
    const report = brokenRun();
    await writeBundle(folder, { report, recordings: recordingsOf(report) });
    for (const name of ["", ...globSync("**", { cwd: folder })]) {
      const { mode } = statSync(join(folder, name));
      expect([name, (mode & 0o777).toString(8)]).toEqual([
        name,
        statSync(join(folder, name)).isDirectory() ? "700" : "600",
      ]);
    }
    expect(readdirSync(join(directory.path, "new"))).toEqual(["evidence"]);
  });

  test("never holds a private key, even one that was recorded as a certificate", async () => {
    await using directory = tempDirectory();
    const report = sampleRun();
    const recordings = recordingsOf(report);
    const recorder = [...recordings.values()][0];
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const keys = [
      privateKey.export({ type: "pkcs8", format: "der" }),
      privateKey.export({ type: "sec1", format: "der" }),
    ];
    for (const [index, key] of keys.entries()) recorder?.certificate(`key-${index}`, key);
    recorder?.secret("-----BEGIN PRIVATE KEY-----");
    const folder = join(directory.path, "evidence");
    await writeBundle(folder, { report, recordings });
    for (const file of globSync("**/*.*", { cwd: folder })) {
      const text = readFileSync(join(folder, file), "latin1");
      expect(text, file).not.toContain("PRIVATE KEY");
      for (const key of keys) expect(text, file).not.toContain(key.toString("base64").slice(8, 60));
    }
    expect(readdirSync(join(folder, "certificates", "D-CERT-01-tls"))).toEqual([
      "shown-to-the-gateway-leaf.pem",
    ]);
  });

  test("replaces an earlier run, an empty folder, and the folder that a link leads to", async () => {
    await using directory = tempDirectory();
    const folder = join(directory.path, "evidence");
    const link = join(directory.path, "latest");
    mkdirSync(folder);
    symlinkSync(folder, link);
    for (const seed of ["1", "2", "3"]) {
      await writeBundle(seed === "3" ? link : folder, { report: sampleRun({ seed }), recordings: new Map() });
      expect(readBundle(folder).seed).toBe(seed);
    }
    expect(readdirSync(directory.path).toSorted()).toEqual(["evidence", "latest"]);
  });

  test.each([
    ["other things", "notes.txt", "mine"],
    ["a run.json of something else", "run.json", "{}"],
    ["a run.json that is none", "run.json", "once upon a time"],
  ])("refuses a folder with %s and leaves it as it was", async (_, name, text) => {
    await using directory = tempDirectory();
    const folder = join(directory.path, "evidence");
    mkdirSync(folder);
    writeFileSync(join(folder, name), text);
    expect(await codeOf(writeBundle(folder, { report: sampleRun(), recordings: new Map() }))).toMatch(
      /^MITM_FILE_EXISTS: .*give another folder/,
    );
    expect(readdirSync(folder)).toEqual([name]);
    expect(readFileSync(join(folder, name), "utf8")).toBe(text);
    expect(readdirSync(directory.path)).toEqual(["evidence"]);
  });

  test("refuses an evidence folder to which somebody added something", async () => {
    await using directory = tempDirectory();
    const folder = join(directory.path, "evidence");
    await writeBundle(folder, { report: sampleRun(), recordings: new Map() });
    writeFileSync(join(folder, "assessment.docx"), "mine");
    expect(await codeOf(writeBundle(folder, { report: sampleRun(), recordings: new Map() }))).toMatch(
      /^MITM_FILE_EXISTS: .*assessment/,
    );
    expect(existsSync(join(folder, "assessment.docx"))).toBe(true);
  });

  test("says so where a file is in the way", async () => {
    await using directory = tempDirectory();
    const file = join(directory.path, "file");
    writeFileSync(file, "mine");
    const run = { report: sampleRun(), recordings: new Map() };
    expect(await codeOf(writeBundle(file, run))).toMatch(/^MITM_FILE_EXISTS: .*it is a file/);
    expect(await codeOf(writeBundle(join(file, "evidence"), run))).toMatch(
      /^MITM_BUNDLE_NOT_WRITTEN: .*a part of its path is a file/,
    );
  });

  test("is written by several runs at once: one stands, and nothing lies beside it", async () => {
    await using directory = tempDirectory();
    const folder = join(directory.path, "evidence");
    const report = sampleRun();
    const run = { report, recordings: recordingsOf(report) };
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 6 }, () => writeBundle(folder, run)));
    }
    expect(readBundle(folder).cases).toHaveLength(report.cases.length);
    expect(readdirSync(directory.path)).toEqual(["evidence"]);
  });

  test("is known to have no place before there is something to write", async () => {
    await using directory = tempDirectory();
    await assertBundlePlace(join(directory.path, "evidence"));
    expect(readdirSync(directory.path)).toEqual([]);
    const nowhere = "/proc/sallyport-evidence";
    expect(await codeOf(assertBundlePlace(nowhere))).toContain("MITM_BUNDLE_NOT_WRITTEN");
  });

  test("says so where there is no room, keeps the earlier run, and leaves nothing half written", async () => {
    await using directory = tempDirectory();
    const folder = join(directory.path, "evidence");
    await writeBundle(folder, { report: sampleRun({ seed: "earlier" }), recordings: new Map() });
    const script = `
      const { writeBundle } = await import(${JSON.stringify(join(process.cwd(), "mitm/record/bundle.ts"))});
      const { sampleRun } = await import(${JSON.stringify(join(process.cwd(), "test/support/mitm/sample-runs.ts"))});
      await writeBundle(${JSON.stringify(folder)}, { report: sampleRun(), recordings: new Map() })
        .catch((error) => process.stdout.write(error.code + ": " + error.message));`;
    // No file may be larger than 16 blocks: to a program it looks like a disk that is full.
    const limited = `trap '' XFSZ; ulimit -f 16; exec "$0" --input-type=module -e "$1"`;
    const { stdout, stderr } = spawnSync("sh", ["-c", limited, process.execPath, script], {
      encoding: "utf8",
    });
    expect(stdout, stderr).toMatch(/^MITM_BUNDLE_NOT_WRITTEN: .*nothing was left there$/);
    expect(readBundle(folder).seed).toBe("earlier");
    expect(readdirSync(directory.path)).toEqual(["evidence"]);
  });

  test("names of files come from ids and labels of any kind, and each once", async () => {
    await using directory = tempDirectory();
    const ids = [
      "../../etc/passwd",
      "..",
      "",
      "A/b",
      "a-B",
      hostileText,
      "x".repeat(500),
      "con\u0000trol",
      "é/ü",
    ];
    const report = sampleRun({ cases: ids.map((id) => sampleCase({ id })) });
    const recorder = new Recorder();
    for (const id of ids) recorder.certificate(id, certificate);
    const folder = join(directory.path, "evidence");
    const { cases } = await writeBundle(folder, { report, recordings: new Map([["..", recorder]]) });
    const files = cases.flatMap(({ files }) => files);
    for (const file of files)
      expect(file).toMatch(
        /^(transcripts|certificates)\/[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)?\.(txt|pem)$/,
      );
    expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(2 * ids.length);
    expect(readdirSync(directory.path)).toEqual(["evidence"]);
  });
});

describe("reading an evidence folder", () => {
  test.each([
    ["no such folder", undefined, "it holds no run.json"],
    ["no document", "", "is not the document of a run"],
    ["another version", '{"schema":"sallyport-mitm/2"}', '"schema" should be "sallyport-mitm/1"'],
    ["a list", "[]", "it should be an object"],
    [
      "a case without a verdict",
      JSON.stringify({ ...sampleRun(), cases: [{ ...sampleCase(), verdict: "fine" }] }),
      '"cases[0].verdict" should be one of',
    ],
    ["inherited fields", '{"__proto__":{"schema":"sallyport-mitm/1"}}', '"schema" should be'],
  ])("%s is refused with what is wrong", async (_, text, message) => {
    await using directory = tempDirectory();
    if (text !== undefined) writeFileSync(join(directory.path, "run.json"), text);
    const path = text === undefined ? join(directory.path, "none") : directory.path;
    expect(() => readBundle(path)).toThrow(expect.objectContaining({ code: "MITM_BUNDLE_INVALID" }));
    expect(() => readBundle(path)).toThrow(message);
  });
});
