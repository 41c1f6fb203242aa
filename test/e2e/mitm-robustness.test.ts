import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type Attack, type Finding, gatewayAttack, held, type Transport } from "../../mitm/attack.ts";
import { catalogue } from "../../mitm/catalogue/index.ts";
import type { GatewayLab } from "../../mitm/lab/gateway-lab.ts";
import { Forge } from "../../mitm/mint/forge.ts";
import { LabPki } from "../../mitm/mint/lab-pki.ts";
import { runMitm } from "../../mitm/run/run.ts";
import type { GatewaySource } from "../../mitm/run/sources.ts";
import type { GatewayTarget } from "../../mitm/targets.ts";
import { twinGateway } from "../../mitm/twins/gateway.ts";

/*
 * Targets that behave badly: whatever they do, a run ends in bounded time, says what it could not do, and leaves no
 * socket behind. The bounds here are counts of what was tried and of what is open, not times: a run that would not end
 * fails by the time limit of its test.
 */

const patience = { answerMs: 150, silenceMs: 50 };
const closers: Array<() => void | Promise<void>> = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

function sourceOf(transport: Transport, port: number, over: Partial<GatewaySource> = {}): GatewaySource {
  return {
    side: "gateway",
    name: "a target that misbehaves",
    endpoints: [],
    transports: [transport],
    lanes: 1,
    async open() {
      const pki = await LabPki.create();
      const target: GatewayTarget = {
        name: "it",
        endpoints: { [transport]: { host: "127.0.0.1", port, application: "mqtt" } },
        serverName: undefined,
        attacker: { deviceId: "a", credential: await pki.device("a") },
        victim: { deviceId: "b", credential: await pki.device("b") },
      };
      return { target, forge: new Forge(pki) };
    },
    ...over,
  };
}

async function run(source: GatewaySource, over: Partial<Parameters<typeof runMitm>[0]> = {}) {
  return await runMitm({
    sources: [source],
    catalogue,
    seed: "1",
    patience,
    deadlineMs: 5_000,
    signal: new AbortController().signal,
    tool: { name: "test", version: "0" },
    command: "test",
    replay: ({ id }) => id,
    ...over,
  });
}

async function tcpTarget(behave: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    behave(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("unreachable: it listens on TCP");
  return address.port;
}

describe("a target that serves no honest peer", () => {
  const behaviours: ReadonlyArray<readonly [string, (socket: Socket) => void]> = [
    ["hangs", () => undefined],
    ["closes at once", (socket) => socket.destroy()],
    [
      "floods with what is no TLS",
      (socket) => {
        const more = () => {
          while (!socket.destroyed && socket.write(new Uint8Array(65_536).fill(0x17)));
        };
        socket.on("drain", more);
        more();
      },
    ],
    [
      "floods with alerts",
      (socket) => {
        const warning = Buffer.from("1503030002015a", "hex");
        const many = Buffer.concat(Array.from({ length: 5_000 }, () => warning));
        const more = () => {
          while (!socket.destroyed && socket.write(many));
        };
        socket.on("drain", more);
        more();
      },
    ],
  ];

  test.each(behaviours)("%s: three tries, then the rest is reported as not tried", async (_name, behave) => {
    const { report } = await run(sourceOf("tls", await tcpTarget(behave)));
    expect(report.summary.broken + report.summary.held).toBe(0);
    const tried = report.cases.filter(({ how }) => !how.startsWith("not tried"));
    expect(tried).toHaveLength(3);
    expect(report.notes.join()).toContain("served no honest peer 3 times in a row");
    expect(report.cases.every(({ verdict }) => verdict === "inconclusive")).toBe(true);
  });

  test("is not there at all", async () => {
    const { report } = await run(sourceOf("tls", await closedPort()));
    expect(report.summary.inconclusive).toBe(report.cases.length);
    expect(report.cases[0]?.how).toMatch(/cannot be reached/);
  });

  test("is silent over UDP, or sends back what it gets", async () => {
    for (const answers of [false, true]) {
      const socket = createSocket("udp4");
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
      closers.push(() => void socket.close());
      if (answers) socket.on("message", (datagram, from) => socket.send(datagram, from.port, from.address));
      const { report } = await run(sourceOf("dtls", socket.address().port));
      expect(report.summary.inconclusive).toBe(report.cases.length);
    }
  });
});

describe("a run that is interrupted", () => {
  test("ends, says so, reports what was tried, and what not", async () => {
    const stop = new AbortController();
    const source: GatewaySource = {
      ...sourceOf("tls", 0),
      lanes: 2,
      async open() {
        const pki = await LabPki.create();
        return { target: await twinGateway(pki, new Set()), forge: new Forge(pki, ["localhost"]) };
      },
    };
    let done = 0;
    const { report } = await run(source, {
      signal: stop.signal,
      onCase: () => {
        done += 1;
        if (done === 5) stop.abort(new Error("interrupted by SIGINT"));
      },
    });
    expect(report.interrupted).toBe("interrupted by SIGINT");
    const untried = report.cases.filter(({ how }) => how === "not tried: interrupted by SIGINT");
    expect(untried.length).toBeGreaterThan(20);
    expect(untried.length).toBeLessThan(report.cases.length);
  });

  test("does not wait for a case that never ends", async () => {
    const stop = new AbortController();
    const begun = Promise.withResolvers<void>();
    const stuck = endless(begun.resolve);
    const running = run(await twinSource(), {
      catalogue: [stuck],
      signal: stop.signal,
      deadlineMs: 3_600_000,
    });
    await begun.promise;
    stop.abort(new Error("interrupted by SIGTERM"));
    const { report } = await running;
    expect(report.cases.map(({ how }) => how)).toEqual(["interrupted"]);
  });
});

test("a case that never ends is given up at its deadline, and the next one is tried", async () => {
  const { report } = await run(await twinSource(), {
    catalogue: [endless(), attack("X-02", () => Promise.resolve(held("at once")))],
    deadlineMs: 300,
  });
  expect(report.cases.map(({ how }) => how)).toEqual([
    "not done after 0.3 s",
    "nothing shows that the attack arrived (at once)",
  ]);
});

test("no socket is open after a run", async () => {
  const before = openSockets();
  await run(await twinSource(), { only: ["G-CERT-01", "G-CERT-05", "P-01"] });
  for (const close of closers.splice(0).toReversed()) await close();
  expect(openSockets()).toBeLessThanOrEqual(before);
});

test("what a case that is given up had open is closed", async () => {
  let open = 0;
  const stuck = attack("X-01", (lab) => {
    open += 1;
    lab.defer(() => void (open -= 1));
    return new Promise(() => undefined);
  });
  const { report } = await run(await twinSource(), { catalogue: [stuck], deadlineMs: 300 });
  expect(report.cases.map(({ how }) => how)).toEqual(["not done after 0.3 s"]);
  expect(open).toBe(0);
});

describe("a target that cannot be started again", () => {
  const restart = () => Promise.reject(new Error("it ended at once"));

  test("after an attack: the report is not lost, and says so", async () => {
    const stop: Array<() => Promise<void>> = [];
    const twin = await twinSource();
    const source: GatewaySource = {
      ...twin,
      restart,
      async open(one) {
        const opened = await twin.open(one);
        stop.push(async () => await opened.target.close?.());
        return opened;
      },
    };
    const deadly = attack("X-01", async (lab) => {
      const raw = await lab.tcp();
      raw.write(Uint8Array.of(1), { attack: true });
      for (const end of stop) await end();
      return held("refused");
    });
    const { report } = await run(source, { catalogue: [deadly] });
    expect(report.cases.map(({ verdict }) => verdict)).not.toContain("held");
    expect(report.cases[0]?.how).toContain("it ended at once");
  });

  test("before one: no case is tried, and the report says why", async () => {
    const { report } = await run(
      { ...(await twinSource()), restart, servesOnce: true },
      { only: ["G-CERT-05", "G-CERT-06"] },
    );
    expect(report.cases.map(({ how }) => how)).toEqual(Array(2).fill("not tried: it ended at once"));
  });
});

test("a target that cannot be closed does not cost the report", async () => {
  const twin = await twinSource();
  const source: GatewaySource = {
    ...twin,
    async open(one) {
      const opened = await twin.open(one);
      const close = async () => {
        await opened.target.close?.();
        throw new Error("closing failed");
      };
      return { ...opened, target: Object.assign(Object.create(opened.target), { close }) };
    },
  };
  const { report } = await run(source, { only: ["G-CERT-05"] });
  expect(report.summary.held).toBe(1);
});

test("an honest peer that was not served because the run was interrupted is no outage", async () => {
  const stop = new AbortController();
  const twin = await twinSource();
  const hasty = attack("X-01", async (lab) => {
    const raw = await lab.tcp();
    raw.write(Uint8Array.of(0x16, 3, 1, 0, 1, 0xff), { attack: true });
    await raw.read(1_000);
    // While the honest peer after it is on its way.
    setImmediate(() => setImmediate(() => stop.abort(new Error("interrupted by SIGINT"))));
    return held("refused");
  });
  const { report } = await run(twin, { catalogue: [hasty], signal: stop.signal });
  expect(report.summary.broken).toBe(0);
});

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCP|UDP/.test(name)).length;
}

async function twinSource(): Promise<GatewaySource> {
  return {
    ...sourceOf("tls", 0),
    async open() {
      const pki = await LabPki.create();
      return { target: await twinGateway(pki, new Set()), forge: new Forge(pki, ["localhost"]) };
    },
  };
}

function endless(begun: () => void = () => undefined): Attack {
  return attack("X-01", () => {
    begun();
    return new Promise(() => undefined);
  });
}

function attack(id: string, run: (lab: GatewayLab) => Promise<Finding>): Attack {
  return gatewayAttack({
    id,
    title: "something",
    transports: ["tls"],
    defeats: "ignores-expiry",
    severity: "low",
    reference: { rfc: ["RFC 5280 §6"], cwe: [1] },
    run,
  });
}

async function closedPort(): Promise<number> {
  const port = await tcpTarget(() => undefined);
  for (const close of closers.splice(0)) await close();
  return port;
}

test("a victim whom the target does not know makes attacks on it inconclusive, not held", async () => {
  const pki = await LabPki.create();
  const stranger = await LabPki.create();
  const target = await twinGateway(pki, new Set());
  closers.push(() => target.close?.());
  const victim = { deviceId: "victim", credential: await stranger.device("victim") };
  const source = sourceOf("tls", 0, {
    open: async () => ({ target: { ...target, victim }, forge: new Forge(pki) }),
  });
  const { report } = await run(source, {
    only: ["G-CERT-01/tls", "G-CERT-11a/tls", "G-CERT-12a/tls", "M-01a/tls"],
    patience: { answerMs: 1_000, silenceMs: 100 },
  });
  const seen = Object.fromEntries(report.cases.map(({ attack, verdict }) => [attack, verdict]));
  expect(seen).toEqual({
    "G-CERT-01": "held",
    "G-CERT-11a": "inconclusive",
    "G-CERT-12a": "inconclusive",
    "M-01a": "inconclusive",
  });
});

test("certificates of nobody's CA are tried where the lab has no CA that the target trusts, too", async () => {
  const pki = await LabPki.create();
  const target = await twinGateway(pki, new Set());
  closers.push(() => target.close?.());
  const source = sourceOf("tls", 0, { open: async () => ({ target, forge: undefined }) });
  const only = ["G-CERT-03a", "G-CERT-03b", "G-CERT-03c", "G-CERT-03d", "G-CERT-10", "G-CERT-05"];
  const { report } = await run(source, { only, patience: { answerMs: 1_000, silenceMs: 100 } });
  const seen = Object.fromEntries(report.cases.map(({ attack, verdict }) => [attack, verdict]));
  expect(seen).toEqual({
    "G-CERT-03a": "held",
    "G-CERT-03b": "held",
    "G-CERT-03c": "held",
    "G-CERT-03d": "held",
    "G-CERT-10": "held",
    "G-CERT-05": "not applicable",
  });
});
