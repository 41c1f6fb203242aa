import type { Application, Transport } from "../../mitm/index.ts";
import { CliError, type ExitCode } from "../errors.ts";
import { isLoopback, parseAddress } from "../mitm/address.ts";
import { type AttackCaOptions, attackCaOptions, withAttackCa } from "../mitm/attack-ca.ts";
import { givenGatewaySource } from "../mitm/given-gateway.ts";
import { interruptible } from "../mitm/interruption.ts";
import { commandLine, type LabOptions, labDefaults, labOptions } from "../mitm/lab-options.ts";
import { runLab } from "../mitm/lab-run.ts";
import { defaultJobs, ownGatewaySource } from "../mitm/own-sources.ts";
import { listens, withProgram } from "../mitm/started-program.ts";
import { dirOption, type Session, type VerbGroup, wholeNumber } from "../verb.ts";

interface GatewayOptions extends LabOptions, AttackCaOptions {
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

export function addMitmGateway(mitm: VerbGroup): void {
  mitm.verb<GatewayOptions>(
    {
      usage: "gateway [address]",
      summary: "attack a gateway: any TLS, MQTT or DTLS server that asks for client certificates",
      description:
        "Tries every attack of the catalogue that is aimed at a gateway on HOST:PORT, and on nothing else; without an address, " +
        "on Sallyport's own gateway, started for it on loopback. The attacker is a device of yours (--attacker), or of a lab " +
        "CA that the target trusts (--lab-ca); with the latter, mis-issued certificates are tried too.",
      examples: [
        ["mitm gateway", "Sallyport's own"],
        [
          "mitm gateway localhost:8883 --attacker pump-1 --victim pump-2",
          "one that runs, as its device pump-1",
        ],
        ["mitm gateway 127.0.0.1:8883 --lab-ca lab --bundle evidence", "one that trusts lab/ca.pem"],
        ["mitm gateway 127.0.0.1:5684 --transport dtls --lab-ca lab", "over DTLS"],
      ],
    },
    (command) => {
      command
        .addOption(
          command
            .createOption("--transport <name>", "what the target speaks")
            .choices(["tls", "dtls"])
            .default("tls"),
        )
        .addOption(
          command
            .createOption(
              "--application <name>",
              "what is spoken inside, to tell who was let in (default: mqtt over TLS, none over DTLS)",
            )
            .choices(["mqtt", "echo", "coap", "none"]),
        )
        .option("--server-name <name>", "what to put into server_name, when it is not the host")
        .option("--attacker <id>", "the device that the attacker owns by right")
        .option("--victim <id>", "another device, to be attacked")
        .option(
          "--operator <id>",
          "whoever hears all devices and commands them, as a witness: never the attacker",
        )
        .option("--identity <dir>", "where <id>.key.pem and <id>.cert.pem are (default: <dir>/devices)")
        .option(
          "--publish-topic <topic>",
          "where a device may publish, {id} for its id, when it is not as with Sallyport",
        )
        .option("--subscribe-topic <filter>", "what a device may subscribe to, {id} for its id")
        .option("--knows-revocation", "the target goes by the revocation list of the lab CA, crl.pem")
        .option(
          "--hello-timeout <seconds>",
          "how long the target waits for the first packet of its application",
          wholeNumber(1, 600),
        )
        .option(
          "--start <command>",
          "start the target with this command, again when it serves nobody any more, and end it",
        )
        .option(
          "--serves-once",
          "with --start: the target serves one peer, and is started again before each attempt",
        )
        .addOption(dirOption());
      attackCaOptions(command);
      labOptions(command);
    },
    attack,
  );
}

async function attack(session: Session, options: GatewayOptions, args: string[]): Promise<ExitCode> {
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
