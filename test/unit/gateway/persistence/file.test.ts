import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { GatewayError } from "../../../../gateway/errors.ts";
import { openPersistence } from "../../../../gateway/persistence/index.ts";
import { openDirect, payloadsOf, publish, refusalOf, temporaryFile, turns } from "./harness.ts";

const device = { id: "dev" };
const large = () => publish("up/a", "x".repeat(3000));

describe("the file", () => {
  test("is readable by its owner alone, and so is everything beside it", async () => {
    const path = temporaryFile();
    writeFileSync(path, "", { mode: 0o644 });
    const persistence = await openPersistence(path);
    await persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);
    const modes = readdirSync(dirname(path)).map((name) => statSync(`${dirname(path)}/${name}`).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600]);
    await persistence.destroy();
  });

  test("what was durable is there after a restart", async () => {
    const path = temporaryFile();
    const before = await openPersistence(path);
    await before.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);
    for (let i = 0; i < 100; i++) await before.storeInbound(device, publish("up/a", `${i}`));
    const expected = before.snapshot();
    await before.destroy();
    const after = await openPersistence(path);
    expect(after.snapshot()).toEqual(expected);
    expect(await payloadsOf(after, "sub")).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
    await after.destroy();
  });

  test("belongs to one process: the second is told so, and gets it when the first has gone", async () => {
    const path = temporaryFile();
    const first = await openPersistence(path);
    await expect(openPersistence(path)).rejects.toMatchObject({
      code: "GATEWAY_STATE_LOCKED",
      message: expect.stringContaining("another gateway"),
    });
    await first.destroy();
    await (await openPersistence(path)).destroy();
  });

  test("belongs to one process: also to one that is killed, until it is", async () => {
    const path = temporaryFile();
    const index = new URL("../../../../gateway/persistence/index.ts", import.meta.url).href;
    const script = `const { openPersistence } = await import(${JSON.stringify(index)});
      const p = await openPersistence(process.argv[1]);
      await p.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);
      console.log("open"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout, "data");
    await expect(openPersistence(path)).rejects.toMatchObject({ code: "GATEWAY_STATE_LOCKED" });
    child.kill("SIGKILL");
    await once(child, "exit");
    const after = await openPersistence(path);
    expect(after.stats().subscriptions).toBe(1);
    await after.destroy();
  });

  test.each([
    ["no database at all", (path: string) => writeFileSync(path, "certainly no database, ".repeat(500))],
    ["damaged pages", (path: string) => damage(path)],
    ["cut short", (path: string) => truncateSync(path, statSync(path).size - 5000)],
    ["another program's database", (path: string) => foreign(path)],
  ])("with %s is refused: GATEWAY_STATE_CORRUPT", async (_, harm) => {
    const path = temporaryFile();
    const persistence = await openPersistence(path, { dangerouslySynchronous: "off" });
    await persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);
    await Promise.all(Array.from({ length: 50 }, () => persistence.storeInbound(device, large())));
    await persistence.destroy();
    harm(path);
    await expect(openPersistence(path)).rejects.toMatchObject({
      name: "GatewayError",
      code: "GATEWAY_STATE_CORRUPT",
    });
  });

  test("of a newer version is refused, not guessed at", async () => {
    const path = temporaryFile();
    await (await openPersistence(path)).destroy();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    await expect(openPersistence(path)).rejects.toMatchObject({ code: "GATEWAY_STATE_VERSION" });
  });

  test("in a directory that is not there is refused", async () => {
    await expect(openPersistence(`${temporaryFile()}/no/broker.sqlite`)).rejects.toMatchObject({
      code: "GATEWAY_STATE_FAILED",
    });
  });
});

describe("when writing fails", () => {
  test("a full disk: the waiting message is rejected, onFailure called once, nothing half written", async () => {
    const path = temporaryFile();
    const onFailure = vi.fn<(error: GatewayError) => void>();
    const persistence = await openPersistence(path, { onFailure, dangerouslyPageLimit: 40 });
    await persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);
    let durable = 0;
    const store = async () => {
      for (;;) {
        await persistence.storeInbound(device, publish("up/a", "x".repeat(10_000)));
        durable++;
      }
    };
    await expect(store()).rejects.toMatchObject({ code: "GATEWAY_STATE_FAILED" });
    await turns();
    expect(onFailure).toHaveBeenCalledOnce();
    await expect(persistence.flush()).rejects.toMatchObject({ code: "GATEWAY_STATE_FAILED" });
    await persistence.destroy();
    const after = await openPersistence(path);
    expect(durable).toBeGreaterThan(0);
    expect(after.stats().queued).toBe(durable);
    await after.destroy();
  });

  test.each(["idle", "writing"])("a writer thread that dies (%s) is a failure", async (when) => {
    const workers: Worker[] = [];
    const onFailure = vi.fn<(error: GatewayError) => void>();
    const persistence = await openPersistence(temporaryFile(), {
      onFailure,
      onWorker: (worker) => workers.push(worker),
    });
    const subscribing = persistence.addSubscriptions({ id: "sub" }, [{ topic: "a", qos: 1 }]);
    const subscribed = refusalOf(subscribing);
    if (when === "idle") await subscribed;
    await workers[0]?.terminate();
    expect(await subscribed).toBe(when === "idle" ? undefined : "GATEWAY_STATE_FAILED");
    await vi.waitFor(() => expect(onFailure).toHaveBeenCalledOnce());
    await expect(persistence.storeInbound(device, publish("a", "1"))).rejects.toMatchObject({
      code: "GATEWAY_STATE_FAILED",
    });
    await persistence.destroy();
  });
});

test("an idle persistence does not keep the process alive, a write on its way does", async () => {
  const path = temporaryFile();
  const index = new URL("../../../../gateway/persistence/index.ts", import.meta.url).href;
  const script = `const { openPersistence } = await import(${JSON.stringify(index)});
    const p = await openPersistence(process.argv[1]);
    p.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, path], { stdio: "inherit" });
  onTestFinished(() => void child.kill("SIGKILL"));
  expect(await once(child, "exit")).toEqual([0, null]);
  const after = openDirect(path);
  expect(after.stats().subscriptions).toBe(1);
  await after.destroy();
});

function damage(path: string): void {
  const bytes = new Uint8Array(statSync(path).size).fill(0x5a);
  chmodSync(path, 0o600);
  const database = new DatabaseSync(path);
  const page = Number(database.prepare("PRAGMA page_size").get()?.["page_size"]);
  database.close();
  writeFileSync(path, bytes.subarray(page), { flag: "r+" });
}

function foreign(path: string): void {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA application_id = 1");
  database.close();
}
