import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { missing, type Running, skipped, start } from "../support/programs.ts";
import { type CliResult, type RunningCli, runCli, startCli } from "../support/run-cli.ts";
import { until } from "../support/until.ts";

/*
 * Clients of OpenSSL and GnuTLS at `sallyport start`, over DTLS, with nothing but the files that `sallyport device add`
 * leaves. What a refusal is for is in the gateway's events, and its twin gets in.
 */

const noOpenssl = missing("openssl");
const noGnutls = missing("gnutls-cli", "stdbuf");

let dir: string;
let gateway: RunningCli;
let port: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sallyport-gateway-dtls-"));
});

afterEach(async () => {
  gateway.signal("SIGTERM");
  await gateway.done;
  rmSync(dir, { recursive: true, force: true });
});

async function startGateway(settings = "{}"): Promise<void> {
  expect((await cli("init")).exitCode).toBe(0);
  writeFileSync(join(dir, "sallyport.json"), settings);
  gateway = startCli(["start", "--mqtt-port", "0", "--dtls-port", "0", "--dir", dir]);
  [, port = ""] = await gateway.waitFor(/mutual DTLS \(UDP\) on 127\.0\.0\.1:(\d+)/);
}

function cli(...args: string[]): Promise<CliResult> {
  return runCli([...args, "--dir", dir]);
}

async function provisioned(id: string, key = "p256") {
  expect((await cli("device", "add", id, "--key", key)).exitCode).toBe(0);
  const at = (name: string) => join(dir, "devices", name);
  return { key: at(`${id}.key.pem`), certificate: at(`${id}.cert.pem`), ca: at("ca.pem") };
}

type Files = Awaited<ReturnType<typeof provisioned>>;

function opensslClient(files: Files, ...flags: string[]): Running {
  const trust = ["-CAfile", files.ca, "-verify_return_error", "-verify_hostname", "localhost"];
  const shown = ["-cert", files.certificate, "-key", files.key];
  return start("openssl", [
    "s_client",
    "-dtls1_2",
    "-connect",
    `127.0.0.1:${port}`,
    ...trust,
    ...shown,
    ...flags,
  ]);
}

function gnutlsClient(files: Files, priority = "NORMAL"): Running {
  const to = [
    "--udp",
    "-p",
    port,
    "127.0.0.1",
    "--sni-hostname",
    "localhost",
    "--verify-hostname",
    "localhost",
  ];
  const shown = ["--x509cafile", files.ca, "--x509certfile", files.certificate, "--x509keyfile", files.key];
  return start("stdbuf", ["-oL", "gnutls-cli", ...to, ...shown, "--priority", priority]);
}

/** The part of the gateway's output that fits, once there is one. */
async function told(pattern: RegExp): Promise<string> {
  return (await gateway.waitFor(pattern))[0];
}

/** Says a line and waits until it comes back. */
async function echoes(client: Running, ready: RegExp): Promise<void> {
  await until(`the handshake: ${client.output()}`, () => ready.test(client.output()));
  client.child.stdin?.write("a line to come back\n");
  await until("the echo", () => /^a line to come back$/m.test(client.output()));
  client.child.stdin?.end();
}

describe.skipIf(noOpenssl !== "")(`openssl s_client${skipped(noOpenssl)}`, () => {
  test.each(["p256", "p384", "rsa:2048"])("with a %s key gets its echo, and ends in order", async (key) => {
    await startGateway();
    const client = opensslClient(await provisioned("d1", key));
    await echoes(client, /Extended master secret: yes/);
    expect((await client.ended()).exitCode).toBe(0);
    expect(await told(/device d1 over DTLS ended, client_disconnect/)).not.toBe("");
  });

  test("without a certificate is refused for that", async () => {
    await startGateway();
    const files = await provisioned("d1");
    const client = start("openssl", [
      "s_client",
      "-dtls1_2",
      "-connect",
      `127.0.0.1:${port}`,
      "-CAfile",
      files.ca,
    ]);
    expect(await told(/refused {3}no_certificate: .* over DTLS/)).not.toBe("");
    client.child.kill();
    await echoes(opensslClient(files), /Extended master secret: yes/);
  });

  test("with a certificate that is revoked meanwhile is cut off, and does not come back", async () => {
    await startGateway();
    const files = await provisioned("d1");
    const client = opensslClient(files);
    await until("the handshake", () => /Extended master secret: yes/.test(client.output()));
    expect((await cli("device", "revoke", "d1")).exitCode).toBe(0);
    expect((await client.ended()).output).toMatch(/alert certificate revoked/);
    expect(await told(/device d1 over DTLS ended, certificate_revoked/)).not.toBe("");
    const again = opensslClient(files);
    expect(await told(/refused {3}certificate_revoked: .* over DTLS, d1/)).not.toBe("");
    again.child.kill();
  });
});

describe.skipIf(noGnutls !== "")(`gnutls-cli${skipped(noGnutls)}`, () => {
  const withoutEms = "NORMAL:%NO_SESSION_HASH";

  test("gets its echo", async () => {
    await startGateway();
    await echoes(gnutlsClient(await provisioned("d1")), /Handshake was completed/);
    expect(await told(/device d1 over DTLS connected/)).not.toBe("");
  });

  test("without extended master secret is refused for that (RFC 7627 §5.2)", async () => {
    await startGateway();
    const client = gnutlsClient(await provisioned("d1"), withoutEms);
    expect(await told(/refused {3}no_extended_master_secret: .* over DTLS/)).not.toBe("");
    client.child.kill();
  });

  test("and let in by the name of the switch", async () => {
    await startGateway('{ "dangerouslyAllowMissingExtendedMasterSecret": true }');
    await echoes(gnutlsClient(await provisioned("d1"), withoutEms), /Handshake was completed/);
    expect(await told(/device d1 over DTLS connected/)).not.toBe("");
  });
});
