import { createPublicKey } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeLegacyPkcs12 } from "../../pki/authority/index.ts";
import {
  exportPublicKey,
  generatePrivateKey,
  KeySigner,
  makeExtension,
  Name,
  randomSerialNumber,
  signCertificate,
  signCertificateRequest,
} from "../../pki/index.ts";
import { type CliOptions, runCli } from "../support/run-cli.ts";

/** What people are told: each sentence is true of what happened, and names what to do. */

let scratch: string;
let dir: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "sallyport-wording-"));
  dir = join(scratch, "certs");
  await ok(["init"]);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("a device without a good certificate is not called active", () => {
  const later = { now: () => new Date(Date.now() + 400 * 86_400_000) };

  test.each<[standing: string, then: string[], options: CliOptions]>([
    ["active", ["device", "list"], {}],
    ["revoked", ["device", "revoke"], {}],
    ["expired", ["device", "list"], later],
  ])("%s", async (standing, [group = "", verb = ""], options) => {
    const id = `d-${standing}`;
    await ok(["device", "add", id]);
    await ok(verb === "list" ? [group, verb] : [group, verb, id]);
    const shown = (await ok(["device", "show", id], options)).stdout;
    expect(shown).toContain(`device ${id}, ${standing}\n`);
    expect(shown.includes("it cannot connect")).toBe(standing !== "active");
    const document = JSON.parse((await ok(["device", "show", id, "--json"], options)).stdout);
    expect(document).toMatchObject({ status: "active", standing });
    const { devices } = JSON.parse((await ok(["device", "list", "--json"], options)).stdout);
    expect(devices.find((device: { id: string }) => device.id === id)).toMatchObject({ standing });
  });
});

describe("ids", () => {
  test.each(["constructor", "toString"])("%s is refused as reserved, exit code 2", async (id) => {
    const { exitCode, stderr } = await cli(["device", "add", id]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`${id} is reserved`)]);
  });

  test.each(["", "a/b"])("%j is refused with the rule, exit code 2", async (id) => {
    const { exitCode, stderr } = await cli(["device", "add", id]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("1 to 64 letters")]);
  });
});

test.each([
  ["init", "--gateway-name", "a_b"],
  ["init", "--gateway-name", "1.2.3"],
  ["init", "--trust-domain", "Not A Domain"],
  ["gateway", "renew", "--gateway-name", "*.example.com"],
])("%s %s %s: exit code 2, as for other bad values", async (...args) => {
  const { exitCode, stderr } = await runCli([...args, "--dir", join(scratch, "never"), "--json"]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`${args.at(-1)}`)]);
});

test.each([
  [undefined, /your CA as the root, a new issuing CA below it/, "root"],
  [0, /your CA, which issues by itself, and a certificate/, "issuing"],
])(
  "init --import-ca, pathLenConstraint %s: says what became of the CA",
  async (limit, sentence, importedAs) => {
    const pkcs12 = join(scratch, "ca.p12");
    writeFileSync(pkcs12, await rsaCa(limit));
    const args = ["init", "--import-ca", pkcs12, "--dir", join(scratch, `imported-${importedAs}`)];
    const env = { SALLYPORT_IMPORT_PASSPHRASE: "old" };
    expect((await runCli(args, { env })).stdout).toMatch(sentence);
    args[4] += "-json";
    expect(JSON.parse((await runCli([...args, "--json"], { env })).stdout)).toMatchObject({ importedAs });
  },
);

test("help of a verb in a group is the verb's", async () => {
  const { exitCode, stdout } = await runCli(["help", "device", "add"]);
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining("--prefix <text>")]);
  expect((await runCli(["help", "device"])).stdout).toMatch(/^ +renew /m);
});

test("a request that is no request is named, by add and by renew", async () => {
  const csr = join(scratch, "bad.csr.pem");
  writeFileSync(csr, "garbage");
  await ok(["device", "add", "renewed"]);
  for (const [verb, id] of [
    ["add", "requested"],
    ["renew", "renewed"],
  ]) {
    const { exitCode, stderr } = await cli(["device", `${verb}`, `${id}`, "--csr", csr]);
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining(csr)]);
  }
});

describe("the next step", () => {
  test("after operator add: to listen", async () => {
    expect((await ok(["operator", "add", "alice"])).stderr).toMatch(
      /^next: npx sallyport connect alice .*--subscribe 'devices\/#'$/m,
    );
  });

  test("after --csr: to bring key and certificate together, which connect says too", async () => {
    const key = generatePrivateKey("p256");
    const csr = join(scratch, "good.csr");
    writeFileSync(csr, await signCertificateRequest({ subject: Name.of({ CN: "x" }) }, new KeySigner(key)));
    expect((await ok(["device", "add", "far", "--csr", csr])).stderr).toMatch(/^next: copy .* key of far/m);
    const { exitCode, stderr } = await cli(["connect", "far"]);
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining("--csr")]);
    expect(stderr).not.toContain("device add far");
  });
});

/** A self-signed RSA CA as PKCS#12. */
async function rsaCa(pathLenConstraint: number | undefined): Promise<Uint8Array> {
  const privateKey = generatePrivateKey("rsa:2048");
  const subject = Name.of({ CN: "Old Root" });
  const der = await signCertificate(
    {
      serialNumber: randomSerialNumber(),
      issuer: subject,
      subject,
      notBefore: new Date("2020-01-01T00:00:00Z"),
      notAfter: new Date("2060-01-01T00:00:00Z"),
      subjectPublicKeyInfo: exportPublicKey(createPublicKey(privateKey)),
      extensions: [
        makeExtension.basicConstraints({
          ca: true,
          ...(pathLenConstraint === undefined ? {} : { pathLenConstraint }),
        }),
        makeExtension.keyUsage("keyCertSign", "cRLSign"),
        makeExtension.subjectKeyIdentifier(Uint8Array.of(1, 2, 3)),
      ],
    },
    new KeySigner(privateKey),
  );
  return writeLegacyPkcs12({ privateKey, certificates: [der], passphrase: "old" });
}

async function cli(args: string[], options: CliOptions = {}) {
  return await runCli([...args, "--dir", dir], options);
}

async function ok(args: string[], options: CliOptions = {}) {
  const result = await cli(args, options);
  expect(result.exitCode, result.stderr).toBe(0);
  return result;
}
