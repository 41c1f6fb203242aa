import { createPublicKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createSecureContext } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../cli/program.ts";
import {
  encodePem,
  generatePrivateKey,
  KeySigner,
  Name,
  parseCertificates,
  readIdentity,
  readPrivateKeyFile,
  signCertificateRequest,
} from "../../pki/index.ts";
import { runCli } from "../support/run-cli.ts";

let scratch: string;
let dir: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "sallyport-provision-"));
  dir = join(scratch, "certs");
  writeFileSync(join(scratch, "root.pass"), "the root's passphrase\n", { mode: 0o600 });
  writeFileSync(join(scratch, "p12.pass"), "the file's passphrase\n", { mode: 0o600 });
  await ok("init", "--passphrase-file", join(scratch, "root.pass"));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("init", () => {
  test("a passphrase that was given opens the root key, and is not shown", async () => {
    const other = join(scratch, "other");
    const result = await runCli([
      "init",
      "--dir",
      other,
      "--passphrase-file",
      join(scratch, "root.pass"),
      "--json",
    ]);
    expect(JSON.parse(result.stdout)).not.toHaveProperty("rootPassphrase");
    expect(result.stdout + result.stderr).not.toContain("the root's passphrase");
    readPrivateKeyFile(join(other, "root.key.pem"), { passphrase: "the root's passphrase" });
  });

  test("names, trust domain and algorithms are those asked for", async () => {
    const other = join(scratch, "named");
    const names = ["--gateway-name", "gw.example.com", "--gateway-name", "192.0.2.7"];
    const kinds = ["--key", "ed25519", "--root-key", "rsa:3072", "--trust-domain", "example.org"];
    const made = await runCli(["init", "--dir", other, "--json", ...names, ...kinds]);
    expect(JSON.parse(made.stdout)).toMatchObject({
      trustDomain: "example.org",
      gatewayNames: ["gw.example.com", "192.0.2.7"],
    });
    const gateway = new X509Certificate(readFileSync(join(other, "gateway.cert.pem")));
    expect(gateway.subjectAltName).toBe("DNS:gw.example.com, IP Address:192.0.2.7");
    expect(
      new X509Certificate(readFileSync(join(other, "issuing.cert.pem"))).publicKey.asymmetricKeyType,
    ).toBe("ed25519");
    expect(new X509Certificate(readFileSync(join(other, "root.cert.pem"))).publicKey.asymmetricKeyType).toBe(
      "rsa",
    );
    await runCli(["device", "add", "d1", "--dir", other]);
    const [leaf] = parseCertificates(readFileSync(join(other, "devices", "d1.cert.pem"), "utf8"));
    expect(leaf && readIdentity(leaf)).toEqual({ kind: "device", trustDomain: "example.org", id: "d1" });
  });

  test("all files have the modes that the manual says", () => {
    const manual = readFileSync(new URL("../../docs/reference/config.md", import.meta.url), "utf8");
    for (const name of readdirSync(dir).filter((entry) => statSync(join(dir, entry)).isFile())) {
      const mode = `0${(statSync(join(dir, name)).mode & 0o777).toString(8)}`;
      const row = manual.split("\n").find((line) => line.includes(`\`${name}\``)) ?? "";
      expect(row, name).toContain(name === "gateway.key.pem" ? "0644, 0600" : mode);
    }
  });
});

describe("device add", () => {
  test("leaves a key of its owner's alone, the certificate with the issuing CA, and the root", async () => {
    const out = join(scratch, "one");
    await ok("device", "add", "pump-1", "--out", out);
    expect(readdirSync(out).toSorted()).toEqual(["ca.pem", "pump-1.cert.pem", "pump-1.key.pem"]);
    expect(statSync(join(out, "pump-1.key.pem")).mode & 0o777).toBe(0o600);
    const [leaf, issuing, ...rest] = parseCertificates(readFileSync(join(out, "pump-1.cert.pem"), "utf8"));
    expect(rest).toEqual([]);
    expect(leaf && readIdentity(leaf).id).toBe("pump-1");
    expect(issuing?.basicConstraints?.pathLenConstraint).toBe(0);
    expect(readFileSync(join(out, "ca.pem"), "utf8")).toBe(readFileSync(join(dir, "root.cert.pem"), "utf8"));
    const key = readPrivateKeyFile(join(out, "pump-1.key.pem"));
    expect(leaf?.publicKey.equals(createPublicKey(key))).toBe(true);
  });

  test.each(["p384", "ed25519", "rsa:2048"])("--key %s", async (algorithm) => {
    const id = `kind-${algorithm.replace(":", "-")}`;
    await ok("device", "add", id, "--key", algorithm);
    const key = readPrivateKeyFile(join(dir, "devices", `${id}.key.pem`));
    expect(key.asymmetricKeyType).toBe({ p384: "ec", ed25519: "ed25519", "rsa:2048": "rsa" }[algorithm]);
  });

  test.each(["p256", "rsa:2048"])(
    "--format p12 with %s: one file of its owner's alone, which Node opens",
    async (algorithm) => {
      const id = `p12-${algorithm.replace(":", "-")}`;
      const pass = ["--p12-passphrase-file", join(scratch, "p12.pass")];
      await ok(
        "device",
        "add",
        id,
        "--format",
        "p12",
        "--key",
        algorithm,
        "--out",
        join(scratch, "p12"),
        ...pass,
      );
      const file = join(scratch, "p12", `${id}.p12`);
      expect(readdirSync(join(scratch, "p12")).filter((name) => name.startsWith(id))).toEqual([`${id}.p12`]);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      createSecureContext({ pfx: readFileSync(file), passphrase: "the file's passphrase" });
    },
  );

  test.each(["PEM", "DER"])(
    "--csr (%s): the key stays away, and the names asked for do not count",
    async (form) => {
      const id = `csr-${form.toLowerCase()}`;
      const signer = new KeySigner(generatePrivateKey("p256"));
      const der = await signCertificateRequest({ subject: Name.of({ CN: "root" }) }, signer);
      const csr = join(scratch, `${id}.csr`);
      writeFileSync(csr, form === "PEM" ? encodePem("CERTIFICATE REQUEST", der) : der);
      await ok("device", "add", id, "--csr", csr);
      const [leaf] = parseCertificates(readFileSync(join(dir, "devices", `${id}.cert.pem`), "utf8"));
      expect(leaf?.publicKey.equals(signer.publicKey)).toBe(true);
      expect(leaf && readIdentity(leaf).id).toBe(id);
      expect(leaf?.subject.toString()).not.toContain("root");
      expect(readdirSync(join(dir, "devices"))).not.toContain(`${id}.key.pem`);
    },
  );

  test("--days bounds the certificate, --group is in the inventory", async () => {
    await ok("device", "add", "short", "--days", "2", "--group", "pumps");
    const shown = JSON.parse((await ok("device", "show", "short", "--json")).stdout);
    const { notBefore, notAfter } = shown.certificates[0];
    expect(shown.group).toBe("pumps");
    expect(Date.parse(notAfter) - Date.parse(notBefore)).toBeLessThanOrEqual(2 * 86_400_000 + 10 * 60_000);
    const listed = JSON.parse((await ok("device", "list", "--group", "pumps", "--json")).stdout);
    expect(listed.devices.map((device: { id: string }) => device.id)).toEqual(["short"]);
  });

  test("--count makes many; interrupted, the same command goes on where it stopped", async () => {
    const out = join(scratch, "batch");
    const command = ["device", "add", "--count", "300", "--prefix", "sensor-", "--out", out, "--json"];
    expect(JSON.parse((await ok(...command)).stdout)).toMatchObject({
      made: 300,
      already: 0,
      first: "sensor-001",
    });
    // As a kill leaves it: some are issued but not written, some have half their files.
    for (const name of ["sensor-010.key.pem", "sensor-010.cert.pem", "sensor-200.cert.pem"])
      rmSync(join(out, name));
    for (const name of ["sensor-010.key.pem", "sensor-200.cert.pem"])
      writeFileSync(join(out, `${name}.0123456789abcdef.tmp`), "never put in place");
    const kept = readFileSync(join(out, "sensor-011.cert.pem"), "utf8");
    expect(JSON.parse((await ok(...command)).stdout)).toMatchObject({ made: 2, already: 298 });
    expect(readFileSync(join(out, "sensor-011.cert.pem"), "utf8")).toBe(kept);
    expect(readdirSync(out)).toHaveLength(601);
    for (const id of ["sensor-010", "sensor-200"]) {
      const [leaf] = parseCertificates(readFileSync(join(out, `${id}.cert.pem`), "utf8"));
      expect(leaf?.publicKey.equals(createPublicKey(readPrivateKeyFile(join(out, `${id}.key.pem`))))).toBe(
        true,
      );
    }
    const more = JSON.parse((await ok(...command.with(3, "305"))).stdout);
    expect(more).toMatchObject({ made: 5, already: 300 });
  });

  test("the progress bar is on a terminal's stderr, and only there", async () => {
    const bars = await Promise.all(
      [true, false].map(async (isTTY) => {
        const stderr = Object.assign(new PassThrough(), {
          isTTY,
          columns: 100,
          cursorTo: () => {},
          clearLine: () => {},
        });
        let text = "";
        stderr.on("data", (chunk) => (text += String(chunk)));
        const stdout = new PassThrough();
        const io = { stdout, stderr, env: {}, now: () => new Date(), onSignal: () => () => {} };
        const args = [
          "--count",
          "30",
          "--prefix",
          `bar-${isTTY}-`,
          "--dir",
          dir,
          "--out",
          join(scratch, `bar-${isTTY}`),
        ];
        expect(await run(["device", "add", ...args], io)).toBe(0);
        return text;
      }),
    );
    expect(bars[0]).toMatch(/certificates/);
    expect(bars[1]).toBe("");
  });
});

describe("device renew", () => {
  test("replaces the pair in place, and the certificate before stays good", async () => {
    await ok("device", "add", "renewable");
    const place = join(dir, "devices", "renewable");
    const [before] = parseCertificates(readFileSync(`${place}.cert.pem`, "utf8"));
    await ok("device", "renew", "renewable");
    const [after] = parseCertificates(readFileSync(`${place}.cert.pem`, "utf8"));
    expect(after?.publicKey.equals(createPublicKey(readPrivateKeyFile(`${place}.key.pem`)))).toBe(true);
    expect(after?.fingerprint).not.toBe(before?.fingerprint);
    const { certificates } = JSON.parse((await ok("device", "show", "renewable", "--json")).stdout);
    expect(certificates.map((row: { state: string }) => row.state)).toEqual(["valid", "valid"]);
  });

  test("a revoked device comes back only when asked for", async () => {
    await ok("device", "add", "revoked");
    await ok("device", "revoke", "revoked");
    expect(await cli("device", "renew", "revoked")).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("PKI_CERTIFICATE_REVOKED"),
    });
    await ok("device", "renew", "revoked", "--after-revocation");
  });

  test("--out keeps what is there", async () => {
    const out = join(scratch, "renewed");
    await ok("device", "renew", "pump-1", "--out", out);
    expect(await cli("device", "renew", "pump-1", "--out", out)).toMatchObject({ exitCode: 4 });
    await ok("device", "renew", "pump-1", "--out", out, "--force");
  });
});

describe("device revoke", () => {
  test("--certificate revokes one of several", async () => {
    await ok("device", "add", "several");
    await ok("device", "renew", "several");
    const show = async () =>
      JSON.parse((await ok("device", "show", "several", "--json")).stdout).certificates;
    const [, old] = await show();
    await ok(
      "device",
      "revoke",
      "several",
      "--certificate",
      old.fingerprint.slice(0, 12),
      "--reason",
      "superseded",
    );
    expect((await show()).map((row: { state: string }) => row.state)).toEqual(["valid", "revoked"]);
    expect(await cli("device", "revoke", "several", "--certificate", "00")).toMatchObject({ exitCode: 4 });
    const again = await ok("device", "revoke", "several", "--certificate", old.fingerprint, "--json");
    expect(JSON.parse(again.stdout)).toEqual({ revoked: [] });
  });

  test("needs no passphrase; the list that does is asked for", async () => {
    const strict = join(scratch, "strict");
    const pass = ["--issuing-passphrase-file", join(scratch, "p12.pass")];
    await runCli(["init", "--dir", strict, ...pass]);
    await runCli(["device", "add", "d1", "--dir", strict, ...pass]);
    const revoked = await runCli(["device", "revoke", "d1", "--dir", strict]);
    expect(revoked).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/crl\.pem is not up to date/),
    });
    const fresh = await runCli(["crl", "--dir", strict, "--json", ...pass]);
    expect(JSON.parse(fresh.stdout).lists[0]).toMatchObject({ revoked: 1 });
  });
});

test("issuing renew certifies the same key again; what it issued stays good, and the gateway takes its place below", async () => {
  const issuing = () => new X509Certificate(readFileSync(join(dir, "issuing.cert.pem")));
  const before = issuing();
  const renewed = await ok("issuing", "renew", "--passphrase-file", join(scratch, "root.pass"));
  expect(renewed.stderr).toContain(`next: npx sallyport gateway renew --keep-key --dir ${dir}\n`);
  expect(issuing().fingerprint256).not.toBe(before.fingerprint256);
  expect(issuing().publicKey.equals(before.publicKey)).toBe(true);
  await ok("gateway", "renew", "--keep-key");
  expect(readFileSync(join(dir, "gateway.cert.pem"), "utf8")).toContain(
    readFileSync(join(dir, "issuing.cert.pem"), "utf8"),
  );
  const wrong = join(scratch, "p12.pass");
  expect(await cli("issuing", "renew", "--passphrase-file", wrong)).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining("PKI_WRONG_PASSPHRASE"),
  });
});

test("crl --root signs the root's list with the root's key, and needs its passphrase", async () => {
  expect(await cli("crl", "--root")).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining("CLI_PASSPHRASE"),
  });
  await ok("crl", "--root", "--passphrase-file", join(scratch, "root.pass"));
});

test("audit: every request is there, the refused ones too, and a head noted earlier is checked", async () => {
  await cli("device", "renew", "revoked-not-there");
  const entries = (await ok("audit", "export", "--json")).stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
  expect(new Set(entries.map(({ action }) => action))).toContain("certificate.refuse");
  const head = join(scratch, "head.json");
  writeFileSync(head, (await ok("audit", "verify", "--json")).stdout);
  await ok("audit", "verify", "--head", head);
  const other = JSON.parse(readFileSync(head, "utf8"));
  writeFileSync(head, JSON.stringify({ ...other, head: { ...other.head, hash: "00".repeat(32) } }));
  expect(await cli("audit", "verify", "--head", head)).toMatchObject({
    stderr: expect.stringContaining("PKI_AUDIT_BROKEN"),
  });
});

async function cli(...args: string[]) {
  return await runCli([...args, "--dir", dir]);
}

async function ok(...args: string[]) {
  const result = await cli(...args);
  expect(result.exitCode, result.stderr).toBe(0);
  return result;
}
