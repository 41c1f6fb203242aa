import type { PairSource, Transport } from "../../../mitm/index.ts";
import type { ExitCode } from "../../errors.ts";
import { type Session } from "../../verb.ts";
import { assertFree, assertResolves, isLoopback, parseAddress } from "../address.ts";
import { commandLine, defaultJobs, type LabOptions, labDefaults } from "../lab-options.ts";
import { runLab } from "../lab-run.ts";
import { ownPairSource } from "../own-sources.ts";

export interface PairOptions extends LabOptions {
  readonly gateway?: string;
  readonly transport: Transport;
  readonly listen: string;
  readonly port?: number;
}

const defaultPorts = { tls: 8883, dtls: 5684 } as const;

export async function attack(session: Session, options: PairOptions): Promise<ExitCode> {
  const { transport, listen } = options;
  const defaults = { ...labDefaults, transport: "tls", listen: "127.0.0.1" };
  const command = commandLine("pair", [], options, defaults);
  if (options.gateway === undefined) {
    return await runLab(session, options, {
      sources: [ownPairSource(defaultJobs)],
      command,
      plan: [
        "Sallyport attacks the path between device clients and gateways of its own, on free loopback ports.",
      ],
    });
  }
  const gateway = parseAddress(options.gateway, defaultPorts[transport]);
  const port = options.port ?? defaultPorts[transport];
  await assertResolves(gateway);
  await assertFree(listen, port, transport);
  const name = `a device and ${gateway.host}:${gateway.port}`;
  const source: PairSource = {
    side: "pair",
    name,
    endpoints: [`${transport} ${listen}:${port} to ${gateway.host}:${gateway.port}`],
    transports: [transport],
    lanes: 1,
    open: () =>
      Promise.resolve({
        target: { name, transports: [transport], gateway: { [transport]: gateway }, connectionIds: false },
        listen: { host: listen, tcpPort: port, udpPort: port },
      }),
  };
  const plan = [
    `The lab listens on ${listen}:${port} and forwards to ${gateway.host}:${gateway.port}, and to nobody else. Point the device here:`,
    `  it dials ${listen}:${port} and takes it for its gateway; each connection meets one attack, or none, for comparison;`,
    "  it dials again when it is cut off, and both ends say something every second: what is silent cannot be tampered with.",
  ];
  if (!isLoopback(gateway.host))
    plan.push(
      `${gateway.host} is another machine: attack only what is yours, or what you were asked to test.`,
    );
  return await runLab(session, options, { sources: [source], command, plan });
}
