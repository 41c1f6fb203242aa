import type { Application, Transport } from "../../../mitm/index.ts";
import { CliError, type ExitCode } from "../../errors.ts";
import { type Session } from "../../verb.ts";
import { assertResolves, isLoopback, parseAddress } from "../address.ts";
import { withAttackCa } from "../attack-ca.ts";
import { type AttackCaOptions } from "../attack-ca-options.ts";
import { givenGatewaySource } from "../given-gateway.ts";
import { interruptible } from "../interruption.ts";
import { commandLine, defaultJobs, type LabOptions, labDefaults } from "../lab-options.ts";
import { runLab } from "../lab-run.ts";
import { ownGatewaySource } from "../own-sources.ts";
import { listens, withProgram } from "../started-program.ts";

export interface GatewayOptions extends LabOptions, AttackCaOptions {
  readonly transport: Transport;
  readonly application?: Application;
  readonly serverName?: string;
  readonly identity?: string;
  readonly attacker?: string;
  readonly victim?: string;
  readonly operator?: string;
  readonly knowsRevocation?: boolean;
  readonly helloTimeout?: number;
  readonly start?: string;
  readonly servesOnce?: boolean;
  readonly publishTopic?: string;
  readonly subscribeTopic?: string;
}

const defaultPorts = { tls: 8883, dtls: 5684 } as const;

export async function attack(session: Session, options: GatewayOptions, args: string[]): Promise<ExitCode> {
  const [text] = args;
  const defaults = { ...labDefaults, transport: "tls", dir: "certs" };
  const command = commandLine("gateway", args, options, defaults);
  if (text === undefined) {
    return await runLab(session, options, {
      sources: [ownGatewaySource(defaultJobs)],
      command,
      plan: ["Sallyport attacks gateways of its own, on free loopback ports, with lab CAs in memory."],
    });
  }
  if ((options.publishTopic === undefined) !== (options.subscribeTopic === undefined)) {
    throw new CliError("CLI_USAGE", "--publish-topic and --subscribe-topic go together");
  }
  if (options.servesOnce === true && options.start === undefined) {
    throw new CliError("CLI_USAGE", "--serves-once needs the command that starts the target: --start");
  }
  const { transport } = options;
  const address = parseAddress(text, defaultPorts[transport]);
  await assertResolves(address);
  const isName = /[a-z]/i.test(address.host) && !address.host.includes(":");
  const devices = [options.attacker, options.victim].filter((id) => id !== undefined);
  const readiness = listens(address, transport);
  return await interruptible(session, (interruption) =>
    withAttackCa(session, options, { devices, gateway: false }, interruption, (ca) =>
      withProgram(interruption, options.start, readiness, async (restart) => {
        const source = await givenGatewaySource({
          restart,
          servesOnce: options.servesOnce === true,
          address,
          transport,
          application: options.application ?? (transport === "tls" ? "mqtt" : "none"),
          serverName: options.serverName ?? (isName ? address.host : undefined),
          ca,
          dir: options.dir,
          identity: options.identity,
          attacker: options.attacker,
          victim: options.victim,
          operator: options.operator,
          knowsRevocation: options.knowsRevocation === true,
          helloTimeoutMs: options.helloTimeout === undefined ? undefined : options.helloTimeout * 1_000,
          publishTopic: options.publishTopic,
          subscribeTopic: options.subscribeTopic,
        });
        const run = { sources: [source], command, plan: planOf(address, transport) };
        return await runLab(session, options, run, interruption);
      }),
    ),
  );
}

function planOf({ host, port }: { host: string; port: number }, transport: Transport): string[] {
  const plan = [
    `The lab will make several hundred connections to ${host}:${port} (${transport === "tls" ? "TCP" : "UDP"}) and to nothing else,`,
    "with forged certificates and malformed messages among them. The target may log, slow down, or fail.",
  ];
  if (!isLoopback(host))
    plan.push(`${host} is another machine: attack only what is yours, or what you were asked to test.`);
  return plan;
}
