import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DtlsTestGateway, echo, endOf } from "../support/gateway-dtls.ts";
import { type MintedPki, mintPki } from "../support/minted-pki.ts";
import { TestRegistry } from "../support/test-gateway.ts";

/** A gateway that is stopped and started again, with the same state directory, port and inventory. */

let directory: string;
let pki: MintedPki;
let memory: TestRegistry;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-restart-"));
  pki = await mintPki();
  memory = new TestRegistry();
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function start(dtlsPort = 0): Promise<DtlsTestGateway> {
  return DtlsTestGateway.start({ pki, memory, dtlsPort, stateDirectory: directory });
}

const kept = () => join(directory, "dtls-associations");
const key = () => join(directory, "dtls-associations.key");

test("a restart strands nobody: sessions go on, without a handshake, as if nothing had been (U3)", async () => {
  await using first = await start();
  const { port } = first;
  const peer = await first.at.peer("d1");
  const session = await first.connect(peer);
  expect(await echo(session, "before")).toBe("before");

  await first.at.gateway.close();
  expect((await first.at.event("session.closed")).reason).toBe("gateway_stopping");
  expect([kept(), key()].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);

  await using second = await start(port);
  expect([kept(), key()].map((path) => existsSync(path))).toEqual([false, false]);
  expect((await second.at.event("session.opened")).session).toMatchObject({
    transport: "dtls",
    deviceId: "d1",
  });
  expect(await echo(session, "after")).toBe("after");
  expect(second.at.eventsOf("session.opened")).toHaveLength(1);
  // It lives on as any other: revocation reaches it.
  memory.revoke(peer.minted.certificate);
  expect(await endOf(session)).toBe("certificate_revoked");
});

test("and once more, and once more again", async () => {
  const gateway = await start();
  const { port } = gateway;
  const session = await gateway.connect(await gateway.at.peer("d1"));
  await gateway.at.gateway.close();
  for (const run of ["second", "third", "fourth"]) {
    await using next = await start(port);
    expect(await echo(session, run)).toBe(run);
    await next.at.gateway.close();
  }
  session.destroy();
});

test("a device whose certificate was revoked meanwhile has no session afterwards, another one has", async () => {
  await using first = await start();
  const { port } = first;
  const [bad, good] = [await first.at.peer("bad"), await first.at.peer("good")];
  const [of, other] = [await first.connect(bad), await first.connect(good)];
  await first.at.gateway.close();
  memory.revoke(bad.minted.certificate);
  await using second = await start(port);
  expect(await second.at.event("connection.refused")).toMatchObject({
    transport: "dtls",
    reason: "certificate_revoked",
    deviceId: "bad",
  });
  expect(await echo(other, "here")).toBe("here");
  expect(second.at.gateway.sessions().map(({ deviceId }) => deviceId)).toEqual(["good"]);
  of.destroy();
});

test("after a crash nothing was kept: the device connects again", async () => {
  await using first = await start();
  const { port } = first;
  const peer = await first.at.peer("d1");
  const lost = await first.connect(peer);
  await first.at.gateway.close();
  // As if the process had been killed before it could write.
  rmSync(kept());
  await using second = await start(port);
  await expect(echo(lost, "anybody?", 500)).rejects.toThrow(/aborted/);
  const session = await second.connect(peer);
  expect(await echo(session, "again")).toBe("again");
});

test("a start that fails for a port in use takes nothing from the next one", async () => {
  await using first = await start();
  const { port } = first;
  const session = await first.connect(await first.at.peer("d1"));
  await first.at.gateway.close();
  const holder = createSocket("udp4");
  holder.bind({ port, address: "127.0.0.1", exclusive: true });
  await once(holder, "listening");
  await expect(start(port)).rejects.toMatchObject({ code: "GATEWAY_LISTEN_FAILED" });
  holder.close();
  await once(holder, "close");
  await using second = await start(port);
  expect(await echo(session, "after")).toBe("after");
  expect(second.at.eventsOf("session.opened")).toHaveLength(1);
});

test("files that are damaged, or of another key, are a warning and no reason not to start", async () => {
  await using first = await start();
  const { port } = first;
  const peer = await first.at.peer("d1");
  const lost = await first.connect(peer);
  await first.at.gateway.close();
  const timeAndKey = readFileSync(key());
  writeFileSync(key(), timeAndKey.fill(1, 8), { mode: 0o600 });
  await using second = await start(port);
  expect((await second.at.event("warning")).detail).toMatch(/DTLS sessions of the last run cannot be read/);
  expect(await echo(await second.connect(peer), "anew")).toBe("anew");
  lost.destroy();
});

test("with a state directory that takes nothing the devices are told goodbye, too", async () => {
  await using over = await start();
  const session = await over.connect(await over.at.peer("d1"));
  mkdirSync(key());
  const [end] = await Promise.all([endOf(session), over.at.gateway.close()]);
  expect(end).toBe("close_notify");
  expect((await over.at.event("warning")).detail).toMatch(/DTLS sessions could not be kept/);
});

test("without a state directory the devices are told goodbye", async () => {
  await using over = await DtlsTestGateway.start({ pki, memory });
  const session = await over.connect(await over.at.peer("d1"));
  const [end] = await Promise.all([endOf(session), over.at.gateway.close()]);
  expect(end).toBe("close_notify");
  expect((await over.at.event("session.closed")).reason).toBe("gateway_stopping");
});
