import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startGateway } from "../../gateway/index.ts";
import { parseCertificates } from "../../pki/index.ts";
import type { MintedPki } from "./minted-pki.ts";
import type { TestPeer } from "./test-gateway.ts";

interface Settings {
  readonly port: number;
  readonly stateDirectory: string;
  readonly identity: { readonly key: string; readonly certificateChain: string };
  readonly root: string;
  readonly issuing: string;
  readonly peers: readonly { id: string; kind: "device" | "operator"; fingerprint: string }[];
}

/** A gateway in a process of its own, to be killed; the next one takes up its port and its state. */
export class GatewayProcess {
  readonly #settingsFile: string;
  #child: ChildProcess | undefined;
  port = 0;

  constructor(
    directory: string,
    pki: MintedPki,
    peers: readonly (Pick<TestPeer, "id" | "minted"> & { kind: "device" | "operator" })[],
  ) {
    this.#settingsFile = join(directory, "gateway.json");
    this.#write({
      port: 0,
      stateDirectory: directory,
      identity: {
        key: pki.gateway.signer.exportForTls(),
        certificateChain: pki.gateway.pem + pki.issuing.pem,
      },
      root: pki.root.pem,
      issuing: pki.issuing.pem,
      peers: peers.map(({ id, kind, minted }) => ({ id, kind, fingerprint: minted.certificate.fingerprint })),
    });
  }

  async start(): Promise<void> {
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", fileURLToPath(import.meta.url), this.#settingsFile],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    this.#child = child;
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the gateway ended with ${String(code)} before it listened`);
    });
    const [line] = await Promise.race([once(createInterface(child.stdout), "line"), ended]);
    ended.catch(() => undefined);
    this.port = Number(line);
    this.#write({ ...readSettings(this.#settingsFile), port: this.port });
  }

  /** Ends it as a power cut would end the process: no handler runs, no buffer is flushed. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  #write(settings: Settings): void {
    writeFileSync(this.#settingsFile, JSON.stringify(settings), { mode: 0o600 });
  }
}

function readSettings(file: string): Settings {
  return JSON.parse(readFileSync(file, "utf8"));
}

async function run(file: string): Promise<void> {
  const { port, stateDirectory, identity, root, issuing, peers } = readSettings(file);
  const rows = peers.map(({ id, kind, fingerprint }) => ({
    device: { id, kind, status: "active" as const },
    certificate: { identityId: id, identityKind: kind },
    fingerprint,
  }));
  const gateway = await startGateway({
    mqttPort: port,
    stateDirectory,
    identity,
    anchors: parseCertificates(root),
    intermediates: parseCertificates(issuing),
    registry: {
      device: (id) => rows.find((row) => row.device.id === id)?.device,
      certificate: (fingerprint) => rows.find((row) => row.fingerprint === fingerprint)?.certificate,
      certificatesOf: (id) => rows.filter((row) => row.device.id === id).map((row) => row.certificate),
      changeCounter: () => 0,
    },
  });
  gateway.on("event", (event) => {
    if (event.type === "warning") console.error(event.detail, event.cause ?? "");
  });
  console.log(gateway.mqttPort);
}

if (import.meta.main) await run(process.argv[2] ?? "");
