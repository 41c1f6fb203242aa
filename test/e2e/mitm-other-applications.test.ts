import { once } from "node:events";
import { createInterface } from "node:readline";
import { createServer } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { catalogue } from "../../mitm/catalogue/index.ts";
import { Forge } from "../../mitm/mint/forge.ts";
import { LabPki } from "../../mitm/mint/lab-pki.ts";
import { runMitm } from "../../mitm/run/run.ts";
import type { Application, GatewayTarget } from "../../mitm/targets.ts";
import { encodePem, encodePrivateKey } from "../../pki/index.ts";

/* Servers of mutual TLS that speak no MQTT: what they leave unanswered must not pass for a refusal. */

const closers: Array<() => void> = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Node's TLS with client certificates, which sends back whole lines and nothing else. */
async function lineEcho(pki: LabPki, application: Application): Promise<GatewayTarget> {
  const { chain, key } = await pki.gateway(["localhost"]);
  const server = createServer(
    {
      key: encodePrivateKey(key),
      cert: chain.map((der) => encodePem("CERTIFICATE", der)).join(""),
      ca: pki.anchorsPem,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => {
      closers.push(() => socket.destroy());
      socket.on("error", () => undefined);
      createInterface({ input: socket })
        .on("error", () => undefined)
        .on("line", (line) => socket.write(`${line}\n`));
    },
  );
  closers.push(() => server.close());
  server.on("tlsClientError", () => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  return {
    name: "an echo",
    endpoints: { tls: { host: "127.0.0.1", port, application } },
    serverName: "localhost",
    attacker: { deviceId: "a", credential: await pki.device("a") },
    victim: undefined,
  };
}

async function verdicts(application: Application, only: readonly string[]): Promise<Record<string, string>> {
  const pki = await LabPki.create();
  const target = await lineEcho(pki, application);
  const { report } = await runMitm({
    sources: [
      {
        side: "gateway",
        name: "an echo",
        endpoints: [],
        transports: ["tls"],
        lanes: 1,
        open: async () => ({ target, forge: new Forge(pki, ["localhost"]) }),
      },
    ],
    catalogue,
    only,
    seed: "1",
    patience: { answerMs: 1_000, silenceMs: 150 },
    deadlineMs: 10_000,
    signal: new AbortController().signal,
    tool: { name: "test", version: "0" },
    command: "test",
    replay: ({ id }) => id,
  });
  return Object.fromEntries(report.cases.map(({ attack, verdict }) => [attack, verdict]));
}

test("an echo of lines is asked for a line whether its session goes on", async () => {
  expect(await verdicts("echo", ["G-CERT-18c"])).toEqual({ "G-CERT-18c": "broken" });
});

test("a target whose application is not known is held to what it refuses by alert", async () => {
  const seen = await verdicts("none", ["P-18a", "P-18b", "P-18c", "P-18d", "P-18o", "P-21a"]);
  expect(seen).toEqual({
    "P-18a": "held",
    "P-18b": "held",
    "P-18c": "held",
    "P-18d": "held",
    "P-18o": "held",
    "P-21a": "not applicable",
  });
});
