import type { PairSource, Transport } from "../../mitm/index.ts";
import type { ExitCode } from "../errors.ts";
import { isLoopback, parseAddress } from "../mitm/address.ts";
import { commandLine, type LabOptions, labDefaults, labOptions } from "../mitm/lab-options.ts";
import { runLab } from "../mitm/lab-run.ts";
import { defaultJobs, ownPairSource } from "../mitm/own-sources.ts";
import { type Session, type VerbGroup, wholeNumber } from "../verb.ts";

interface PairOptions extends LabOptions {
  readonly gateway?: string;
  readonly transport: Transport;
  readonly listen: string;
  readonly port?: number;
}

const defaultPorts = { tls: 8883, dtls: 5684 } as const;

export function addMitmPair(mitm: VerbGroup): void {
  mitm.verb<PairOptions>(
    {
      usage: "pair",
      summary: "attack the path between a device and its gateway",
      description:
        "Stands between a device and its gateway, holds no key of either, and tampers with what passes: each connection of the " +
        "device meets one attack. With --gateway the ends are yours: the device dials the lab, which forwards. What arrived " +
        "can then be judged by the wire alone, and some cases cannot be; both ends should say something every second, since what is " +
        "silent cannot be tampered with. Without --gateway both ends are Sallyport's.",
      examples: [
        ["mitm pair", "Sallyport's own device client and gateway"],
        ["mitm pair --gateway gw.local:8883 --port 18883", "a device that dials port 18883 here"],
      ],
    },
    (command) => {
      command
        .option("--gateway <host:port>", "where the lab forwards to")
        .addOption(
          command
            .createOption("--transport <name>", "what they speak")
            .choices(["tls", "dtls"])
            .default("tls"),
        )
        .option("--listen <host>", "the address to listen on", "127.0.0.1")
        .option(
          "--port <n>",
          "the port to listen on (default: 8883, over DTLS 5684)",
          wholeNumber(1, 65_535),
        );
      labOptions(command);
    },
    attack,
  );
}

async function attack(session: Session, options: PairOptions): Promise<ExitCode> {
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
