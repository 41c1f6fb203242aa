import { attackCaOptions } from "../mitm/attack-ca-options.ts";
import { labOptions } from "../mitm/lab-options.ts";
import type { GatewayOptions } from "../mitm/verbs/gateway.ts";
import { dirOption, type VerbGroup, wholeNumber } from "../verb.ts";

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
    async (session, options, args) =>
      (await import("../mitm/verbs/gateway.ts")).attack(session, options, args),
  );
}
