import { type DeviceSource, Door, Forge, type Transport } from "../../../mitm/index.ts";
import type { ExitCode } from "../../errors.ts";
import { type Session } from "../../verb.ts";
import { assertFree, isLoopback } from "../address.ts";
import { type AttackCa, withAttackCa } from "../attack-ca.ts";
import { type AttackCaOptions } from "../attack-ca-options.ts";
import { type Interruption, interruptible } from "../interruption.ts";
import { commandLine, defaultJobs, type LabOptions, labDefaults } from "../lab-options.ts";
import { runLab } from "../lab-run.ts";
import { ownDeviceSource } from "../own-sources.ts";
import { atOnce, withProgram } from "../started-program.ts";

export interface DeviceOptions extends LabOptions, AttackCaOptions {
  readonly listen: string;
  readonly transport: Transport;
  readonly port?: number;
  readonly wait: number;
  readonly start?: string;
  readonly pins?: boolean;
  readonly knowsRevocation?: boolean;
}

const defaultPorts = { tls: 8883, dtls: 5684 } as const;

export async function attack(session: Session, options: DeviceOptions): Promise<ExitCode> {
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
  await assertFree(listen, port, transport);
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
