import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readGatewayFiles } from "../../cli/gateway-files.ts";
import { stateFiles } from "../../cli/state-directory.ts";
import { type Gateway, type GatewayEvent, startGateway } from "../../gateway/index.ts";
import { openAuthority } from "../../pki/authority/index.ts";
import {
  ExtendedKeyUsage,
  encodePrivateKey,
  Inventory,
  makeExtension,
  parseCertificates,
  type RawExtension,
  readPrivateKeyFile,
} from "../../pki/index.ts";
import { Minted, mintCa, mintDevice, mintRoot } from "../support/chain-builder.ts";
import { type Ended, missing, type Running, run, skipped, start } from "../support/programs.ts";
import { runCli } from "../support/run-cli.ts";
import { until } from "../support/until.ts";

/*
 * Mosquitto's clients and `openssl s_client` at our gateway, with nothing but the files that `sallyport device add`
 * leaves. Each refusal is asserted by its own reason in the gateway's events, beside a valid twin that gets in.
 */

const launcher = fileURLToPath(new URL("../../bin/sallyport.js", import.meta.url));
const noMosquitto = missing("mosquitto_pub", "mosquitto_sub", "stdbuf");
const noOpenssl = missing("openssl");
const day = 86_400_000;

interface Identity {
  readonly id: string;
  readonly key?: string;
  readonly certificate?: string;
}

let home: string;
let inventory: Inventory;
let gateway: Gateway;
let pump: Identity;
let valve: Identity;
let operator: Identity;
const events: GatewayEvent[] = [];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "sallyport-mosquitto-"));
  // An authority of two months ago, so that its certificates of then have run out by now.
  const made = await runCli(["init", "--dir", certs(), "--gateway-name", "localhost"], {
    now: () => new Date(Date.now() - 60 * day),
  });
  expect(made.exitCode, made.stderr).toBe(0);
  pump = await provisioned("pump-1");
  valve = await provisioned("valve-1");
  const added = await runCli(["operator", "add", "alice", "--dir", certs(), "--out", home]);
  expect(added.exitCode, added.stderr).toBe(0);
  operator = filesOf("alice");
  inventory = Inventory.open(certs(), { readOnly: true });
  gateway = await startGateway({
    ...readGatewayFiles(stateFiles(certs()), undefined),
    registry: inventory,
    mqttPort: 0,
  });
  gateway.on("event", (event) => events.push(event));
});

beforeEach(() => {
  events.length = 0;
});

afterAll(async () => {
  await gateway?.close();
  inventory?.close();
  rmSync(home, { recursive: true, force: true });
});

describe.skipIf(noMosquitto !== "")(`mosquitto_pub and mosquitto_sub${skipped(noMosquitto)}`, () => {
  test.each(["0", "1", "2"])("talk through the gateway at QoS %s", async (qos) => {
    const hearing = await subscriber(operator, ["-t", "devices/#", "-q", qos, "-C", "1"]);
    const said = await publish(pump, ["-t", "devices/pump-1/up/t", "-m", "21.5", "-q", qos]);
    expect(said.exitCode, said.output).toBe(0);
    expect(await hearing.ended()).toMatchObject({ exitCode: 0 });
    expect(messagesOf(hearing)).toEqual(["devices/pump-1/up/t 21.5"]);
    expect(await event("message")).toMatchObject({ deviceId: "pump-1", qos: Number(qos), bytes: 4 });
    expect(eventsOf("connection.refused")).toEqual([]);
  });

  test("a device hears what an operator tells it", async () => {
    const hearing = await subscriber(pump, ["-t", "devices/pump-1/down/#", "-q", "1", "-C", "1"]);
    await publish(operator, ["-t", "devices/pump-1/down/set", "-m", "on", "-q", "1"]);
    await hearing.ended();
    expect(messagesOf(hearing)).toEqual(["devices/pump-1/down/set on"]);
  });

  test("a retained message waits for its subscriber, and an empty one takes it away", async () => {
    await publish(pump, ["-t", "devices/pump-1/up/state", "-m", "on", "-q", "1", "-r"]);
    const late = await subscriber(operator, ["-t", "devices/+/up/state", "-C", "1"]);
    await late.ended();
    expect(messagesOf(late)).toEqual(["devices/pump-1/up/state on"]);
    await publish(pump, ["-t", "devices/pump-1/up/state", "-n", "-q", "1", "-r"]);
    const later = await subscriber(operator, ["-t", "devices/#", "-C", "1"]);
    await publish(pump, ["-t", "devices/pump-1/up/end", "-m", "end", "-q", "1"]);
    await later.ended();
    expect(messagesOf(later)).toEqual(["devices/pump-1/up/end end"]);
  });

  test("the will of a client that was killed arrives", async () => {
    const hearing = await subscriber(operator, ["-t", "devices/#", "-q", "1", "-C", "1"]);
    const will = ["--will-topic", "devices/pump-1/up/gone", "--will-payload", "gone", "--will-qos", "1"];
    const victim = await subscriber(pump, ["-t", "devices/pump-1/down/#", ...will]);
    victim.child.kill("SIGKILL");
    await hearing.ended();
    expect(messagesOf(hearing)).toEqual(["devices/pump-1/up/gone gone"]);
  });

  test("a persistent session gets what was sent while it was away", async () => {
    const away = ["-t", "devices/pump-1/down/#", "-q", "1", "-c", "-i", "pump-1/log"];
    expect(await run("mosquitto_sub", [...dial(pump), ...away, "-E"])).toMatchObject({ exitCode: 0 });
    await publish(operator, ["-t", "devices/pump-1/down/x", "-m", "kept", "-q", "1"]);
    const back = await subscriber(pump, [...away, "-C", "1"]);
    await back.ended();
    expect(messagesOf(back)).toEqual(["devices/pump-1/down/x kept"]);
  });

  test("MQTT 5.0 §3.2.2.2: -V mqttv5 is answered by 0x84, which the client understands", async () => {
    const { exitCode, output } = await publish(pump, [
      "-t",
      "devices/pump-1/up/t",
      "-m",
      "x",
      "-V",
      "mqttv5",
    ]);
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(/Unsupported Protocol Version/i);
    expect(await event("connection.refused")).toMatchObject({ reason: "protocol_version" });
  });

  test("the gateway of another name is refused by the client, before it sends a byte of MQTT", async () => {
    const args = dial(pump).map((arg) => (arg === "localhost" ? "127.0.0.1" : arg));
    const { exitCode } = await run("mosquitto_pub", [...args, "-t", "devices/pump-1/up/t", "-m", "x"]);
    expect(exitCode).not.toBe(0);
    expect(eventsOf("session.opened")).toEqual([]);
  });

  test("another device's client id is refused: client_id_mismatch", async () => {
    const victim = await subscriber(valve, ["-t", "devices/valve-1/down/#", "-C", "1"]);
    const { exitCode, output } = await publish(pump, [
      "-t",
      "devices/pump-1/up/t",
      "-m",
      "x",
      "-i",
      "valve-1",
    ]);
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(/identifier rejected/i);
    expect(await event("connection.refused")).toMatchObject({
      reason: "client_id_mismatch",
      deviceId: "pump-1",
      clientId: "valve-1",
    });
    // The victim is still connected.
    await publish(operator, ["-t", "devices/valve-1/down/x", "-m", "still", "-q", "1"]);
    await victim.ended();
    expect(messagesOf(victim)).toEqual(["devices/valve-1/down/x still"]);
  });

  test("another device's user name is refused: username_mismatch", async () => {
    const { exitCode } = await publish(pump, [
      "-t",
      "devices/pump-1/up/t",
      "-m",
      "x",
      "-u",
      "valve-1",
      "-P",
      "x",
    ]);
    expect(exitCode).not.toBe(0);
    expect((await event("connection.refused")).reason).toBe("username_mismatch");
  });

  test.each(["0", "1", "2"])("publishing to another device's topic at QoS %s: topic_denied", async (qos) => {
    const hearing = await subscriber(operator, ["-t", "devices/#", "-q", "1", "-C", "1"]);
    await publish(pump, ["-t", "devices/valve-1/up/t", "-m", "forged", "-q", qos]);
    expect(await event("publish.refused")).toMatchObject({
      reason: "topic_denied",
      deviceId: "pump-1",
      topic: "devices/valve-1/up/t",
    });
    await publish(valve, ["-t", "devices/valve-1/up/t", "-m", "true", "-q", "1"]);
    await hearing.ended();
    expect(messagesOf(hearing)).toEqual(["devices/valve-1/up/t true"]);
  });

  test.each([
    ["another device's topic", "devices/valve-1/down/#", "filter_denied"],
    ["everything", "#", "filter_denied"],
    ["a shared subscription", "$share/g/devices/pump-1/down/#", "shared_subscription"],
  ])("subscribing to %s", async (_title, filter, reason) => {
    const { output } = await run("mosquitto_sub", [...dial(pump), "-t", filter, "-d"]);
    expect(output).toMatch(/denied|128/i);
    expect(await event("subscribe.refused")).toMatchObject({ reason, deviceId: "pump-1", filter });
  });

  test("a will to another device's topic: will_refused", async () => {
    const will = ["--will-topic", "devices/valve-1/up/t", "--will-payload", "forged"];
    const { exitCode } = await publish(pump, ["-t", "devices/pump-1/up/t", "-m", "x", ...will]);
    expect(exitCode).not.toBe(0);
    expect((await event("connection.refused")).reason).toBe("will_refused");
  });

  const refused: ReadonlyArray<readonly [string, string, () => Identity | Promise<Identity>]> = [
    ["no certificate", "no_certificate", () => ({ id: "pump-1" })],
    ["an expired certificate", "certificate_expired", () => issuedAt("old-1", -30, 7)],
    ["a certificate that is not yet valid", "certificate_not_yet_valid", () => issuedAt("new-1", 7, 7)],
    ["a revoked certificate", "certificate_revoked", revoked],
    ["a self-signed certificate", "certificate_self_signed", () => minted(undefined)],
    [
      "a certificate for servers (wrong extended key usage)",
      "wrong_extended_key_usage",
      () => minted(issuingCa(), [makeExtension.extendedKeyUsage(ExtendedKeyUsage.serverAuth)]),
    ],
    ["a rogue CA with our CA's name", "unknown_issuer|bad_signature", () => minted(rogueCa())],
    [
      "the gateway's own server certificate",
      "wrong_extended_key_usage",
      () => ({
        id: "gateway",
        key: stateFiles(certs()).gatewayKey,
        certificate: stateFiles(certs()).gatewayCertificate,
      }),
    ],
    ["a certificate that the inventory does not know", "certificate_unknown", () => minted(issuingCa())],
  ];

  test.each(refused)("%s is refused", async (_title, reason, make) => {
    const bad = await make();
    events.length = 0;
    const topic = `devices/${bad.id}/up/t`;
    const { exitCode, output } = await publish(bad, ["-t", topic, "-m", "x", "-q", "1"]);
    expect(exitCode, output).not.toBe(0);
    expect((await event("connection.refused")).reason).toMatch(new RegExp(`^(${reason})$`));
    expect(eventsOf("session.opened")).toEqual([]);
    expect(eventsOf("message")).toEqual([]);
    // The valid twin: the same command with good files.
    const good = await publish(valve, ["-t", "devices/valve-1/up/t", "-m", "x", "-q", "1"]);
    expect(good.exitCode, good.output).toBe(0);
  });
});

describe.skipIf(noOpenssl !== "")(`openssl s_client${skipped(noOpenssl)}`, () => {
  test.each([
    ["-tls1_3", "TLSv1.3"],
    ["-tls1_2", "TLSv1.2"],
  ])("%s with a device's files: the handshake is done and MQTT answers", async (flag, version) => {
    const client = sClient([flag, "-verify_return_error", "-verify_hostname", "localhost"]);
    await until("the handshake", () => /Verify return code/.test(client.output()));
    client.child.stdin?.write(Buffer.from("101200044d5154540402003c0006", "hex"));
    client.child.stdin?.write("pump-1");
    expect(await event("session.opened")).toMatchObject({ session: { deviceId: "pump-1" } });
    expect(client.output()).toMatch(new RegExp(`${version}, Cipher is`));
    expect(client.output()).toMatch(/Verify return code: 0 \(ok\)/);
    client.child.kill("SIGKILL");
  });

  test.each([
    ["TLS 1.1", ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], "tls_version"],
    ["a CBC suite", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], "tls_no_shared_cipher"],
    ["a suite without forward secrecy", ["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "tls_no_shared_cipher"],
    [
      "finite-field Diffie-Hellman",
      ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
      "tls_no_shared_cipher",
    ],
  ])("%s is refused in the handshake", async (_title, flags, reason) => {
    const client = sClient(flags);
    const { exitCode, output } = await client.ended();
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(/alert/);
    expect((await event("connection.refused")).reason).toBe(reason);
  });

  test("RFC 9325 §3.5: a renegotiation that the client asks for (R) is refused, the first one already", async () => {
    const client = sClient(["-tls1_2"]);
    await until("the handshake", () => /Verify return code/.test(client.output()));
    client.child.stdin?.write("R\n");
    const { output } = await client.ended();
    expect(output).toMatch(/RENEGOTIATING/);
    expect(output).toMatch(/no renegotiation|alert number 100/i);
    expect(output.match(/Server certificate/g)).toHaveLength(1);
    expect(eventsOf("session.opened")).toEqual([]);
  });
});

// --- identities ---

function certs(): string {
  return join(home, "certs");
}

function filesOf(id: string): Identity {
  return { id, key: join(home, `${id}.key.pem`), certificate: join(home, `${id}.cert.pem`) };
}

/** By the command itself, as a user types it. */
async function provisioned(id: string): Promise<Identity> {
  const args = ["--disable-warning=ExperimentalWarning", launcher];
  const add = [...args, "device", "add", id, "--dir", certs(), "--out", home];
  const { exitCode, output } = await run(process.execPath, add);
  expect(exitCode, output).toBe(0);
  return filesOf(id);
}

async function revoked(): Promise<Identity> {
  const identity = await provisioned("lost-1");
  const before = await publish(identity, ["-t", "devices/lost-1/up/t", "-m", "x", "-q", "1"]);
  expect(before.exitCode, before.output).toBe(0);
  const revoke = await runCli(["device", "revoke", "lost-1", "--dir", certs()]);
  expect(revoke.exitCode, revoke.stderr).toBe(0);
  return identity;
}

/** Issued by the authority itself on another day. */
async function issuedAt(id: string, days: number, validityDays: number): Promise<Identity> {
  using authority = openAuthority(certs(), { now: () => new Date(Date.now() + days * day) });
  const { privateKey, chainPem } = await authority.issue({ id, validityDays });
  if (privateKey === undefined) throw new Error("unreachable: the key was made here");
  return written(id, encodePrivateKey(privateKey), chainPem);
}

let count = 0;

/** A device certificate that nobody recorded, in our trust domain and valid now. */
function minted(issuer: Minted | undefined, extensions: readonly RawExtension[] = []): Identity {
  const id = `minted-${++count}`;
  const leaf = mintDevice(issuer, id, { ...validNow, extensions });
  return written(id, leaf.keyPem, leaf.pem + (issuer?.pem ?? ""));
}

const validNow = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 30 * day) };

/** Our issuing CA with its key: what a certificate would look like that it issued and did not record. */
function issuingCa(): Minted {
  const files = stateFiles(certs());
  const [certificate] = parseCertificates(readFileSync(files.issuingCertificate, "utf8"));
  if (certificate === undefined) throw new Error("unreachable: there is an issuing CA");
  const key = readPrivateKeyFile(join(certs(), "issuing.key.pem"));
  return new Minted(certificate.der, key, certificate.subject);
}

/** Another CA under another root, and every name is ours. */
function rogueCa(): Minted {
  const { certificate } = issuingCa();
  const root = mintRoot({ ...validNow, subject: certificate.issuer });
  return mintCa(root, { ...validNow, subject: certificate.subject, pathLenConstraint: 0 });
}

function written(id: string, key: string, chain: string): Identity {
  const identity = filesOf(id);
  writeFileSync(join(home, `${id}.key.pem`), key, { mode: 0o600 });
  writeFileSync(join(home, `${id}.cert.pem`), chain);
  return identity;
}

// --- programs ---

function dial({ id, key, certificate }: Identity): string[] {
  const own = key === undefined || certificate === undefined ? [] : ["--cert", certificate, "--key", key];
  const port = String(gateway.mqttPort);
  return ["-h", "localhost", "-p", port, "--cafile", join(home, "ca.pem"), ...own, "-i", id];
}

/** What mosquitto_sub printed besides its log. */
function messagesOf(client: Running): string[] {
  return client
    .output()
    .split("\n")
    .filter((line) => line.startsWith("devices/"));
}

/** `-i` may come twice: the last one counts. */
async function publish(identity: Identity, args: readonly string[]): Promise<Ended> {
  return await run("mosquitto_pub", [...dial(identity), "-V", "mqttv311", ...args]);
}

/** A mosquitto_sub whose subscription stands; it keeps what it prints to itself unless told to print by lines. */
async function subscriber(identity: Identity, args: readonly string[]): Promise<Running> {
  const client = start("stdbuf", [
    "-oL",
    "mosquitto_sub",
    ...dial(identity),
    "-V",
    "mqttv311",
    "-v",
    "-d",
    ...args,
  ]);
  // What was queued may come first, and -C then ends the client before its SUBACK.
  const stands = () => /received SUBACK/.test(client.output()) || client.child.exitCode !== null;
  await until(`a SUBACK for ${identity.id}`, stands);
  return client;
}

function sClient(flags: readonly string[]): Running {
  const { key = "", certificate = "" } = pump;
  const own = ["-cert", certificate, "-key", key, "-cert_chain", certificate];
  const address = ["-connect", `localhost:${gateway.mqttPort}`, "-CAfile", join(home, "ca.pem")];
  return start("openssl", ["s_client", ...address, ...own, ...flags]);
}

// --- events ---

function eventsOf<T extends GatewayEvent["type"]>(type: T): Array<Extract<GatewayEvent, { type: T }>> {
  return events.filter((one): one is Extract<GatewayEvent, { type: T }> => one.type === type);
}

async function event<T extends GatewayEvent["type"]>(type: T): Promise<Extract<GatewayEvent, { type: T }>> {
  await until(`an event ${type}`, () => eventsOf(type).length > 0);
  const [first] = eventsOf(type);
  if (first === undefined) throw new Error("unreachable: it was there");
  return first;
}
