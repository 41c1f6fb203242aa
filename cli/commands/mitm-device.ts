import { type DeviceSource, Door, Forge, type Transport } from "../../mitm/index.ts";
import type { ExitCode } from "../errors.ts";
import { isLoopback } from "../mitm/address.ts";
import { type AttackCa, type AttackCaOptions, attackCaOptions, withAttackCa } from "../mitm/attack-ca.ts";
import { type Interruption, interruptible } from "../mitm/interruption.ts";
import { commandLine, type LabOptions, labDefaults, labOptions } from "../mitm/lab-options.ts";
import { runLab } from "../mitm/lab-run.ts";
import { defaultJobs, ownDeviceSource } from "../mitm/own-sources.ts";
import { atOnce, withProgram } from "../mitm/started-program.ts";
import { dirOption, type Session, type VerbGroup, wholeNumber } from "../verb.ts";

interface DeviceOptions extends LabOptions, AttackCaOptions {
  readonly listen: string;
  readonly transport: Transport;
  readonly port?: number;
  readonly wait: number;
  readonly start?: string;
  readonly pins?: boolean;
  readonly knowsRevocation?: boolean;
}

const defaultPorts = { tls: 8883, dtls: 5684 } as const;

export function addMitmDevice(mitm: VerbGroup): void {
  mitm.verb<DeviceOptions>(
    {
      usage: "device",
      summary: "attack a device: the lab stands in its gateway's place",
      description:
        "Listens as a gateway would, says how to point the device here, and tries one attack on each connection that the " +
        "device makes, with an honest handshake between any two of them. The device has to dial again and again by itself, " +
        "and to say something as soon as it trusts its gateway. Without --lab-ca it attacks Sallyport's own device client.",
      examples: [
        ["mitm device", "Sallyport's own device client"],
        [
          "mitm device --lab-ca lab",
          "a program on this machine that trusts lab/ca.pem and dials localhost:8883",
        ],
        ["mitm device --lab-ca lab --listen 0.0.0.0 --wait 120", "a board on the network"],
      ],
    },
    (command) => {
      command
        .addOption(
          command
            .createOption("--transport <name>", "what the device speaks")
            .choices(["tls", "dtls"])
            .default("tls"),
        )
        .option("--listen <host>", "the address to listen on", "127.0.0.1")
        .option("--port <n>", "the port to listen on (default: 8883, over DTLS 5684)", wholeNumber(1, 65_535))
        .option(
          "--wait <seconds>",
          "how long to wait for each connection of the device",
          wholeNumber(1, 3_600),
          30,
        )
        .option("--start <command>", "start the device with this command, and end it with the run")
        .option("--pins", "the device pins its gateway's key: the one of the lab CA's gateway")
        .option("--knows-revocation", "the device goes by the lab CA's revocation list, crl.pem");
      command.addOption(dirOption());
      attackCaOptions(command);
      labOptions(command);
    },
    attack,
  );
}

async function attack(session: Session, options: DeviceOptions): Promise<ExitCode> {
  return await interruptible(session, (interruption) =>
    withAttackCa(session, options, { devices: [], gateway: true }, interruption, (ca) =>
      ca === undefined
        ? attackOwn(session, options, interruption)
        : withProgram(interruption, options.start, atOnce, () =>
            attackGiven(session, options, ca, interruption),
          ),
    ),
  );
}

const verbDefaults = {
  ...labDefaults,
  listen: "127.0.0.1",
  transport: "tls",
  wait: 30,
  dir: "certs",
} as const;

async function attackOwn(
  session: Session,
  options: DeviceOptions,
  interruption: Interruption,
): Promise<ExitCode> {
  const run = {
    sources: [ownDeviceSource(defaultJobs)],
    command: commandLine("device", [], options, verbDefaults),
    plan: ["Sallyport attacks device clients of its own, on free loopback ports, with lab CAs in memory."],
  };
  return await runLab(session, options, run, interruption);
}

async function attackGiven(
  session: Session,
  options: DeviceOptions,
  ca: AttackCa,
  interruption: Interruption,
): Promise<ExitCode> {
  const { listen, transport, wait } = options;
  const port = options.port ?? defaultPorts[transport];
  const { pki, names } = ca;
  const name = "a device that dials by itself";
  const source: DeviceSource = {
    side: "device",
    name,
    endpoints: [`${transport}, waited for on ${listen}:${port}`],
    transports: [transport],
    lanes: 1,
    async open() {
      const target = {
        name,
        transports: [transport],
        serverNames: names,
        pins: options.pins === true,
        knowsRevocation: options.knowsRevocation === true,
      };
      const ports = transport === "tls" ? { tcpPort: port } : { udpPort: port };
      const door = await Door.open({
        host: listen,
        transports: [transport],
        ...ports,
        arrivalMs: wait * 1_000,
      });
      return { target, forge: new Forge(pki, names), gateway: await pki.gateway(names), door };
    },
  };
  const caseTimeout = Math.max(options.caseTimeout, 3 * wait);
  return await runLab(
    session,
    { ...options, caseTimeout },
    {
      sources: [source],
      command: commandLine("device", [], options, verbDefaults),
      plan: planOf(options, port, ca),
    },
    interruption,
  );
}

function planOf({ listen, transport }: DeviceOptions, port: number, { names, caFile }: AttackCa): string[] {
  const dials = names.map((name) => `${name.includes(":") ? `[${name}]` : name}:${port}`).join(" or ");
  const plan = [
    `The lab listens on ${listen}:${port} (${transport === "tls" ? "TCP" : "UDP"}) and connects to nobody. Point the device here:`,
    `  it dials ${dials} and trusts ${caFile}; whatever identity it has, the lab takes it;`,
    "  and it dials again when it is refused: each connection is one attack, or the honest handshake between two.",
  ];
  if (!isLoopback(listen))
    plan.push(`Whoever reaches ${listen}:${port} is attacked: keep it to a network of the lab.`);
  return plan;
}
