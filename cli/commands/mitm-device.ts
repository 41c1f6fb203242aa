import { attackCaOptions } from "../mitm/attack-ca-options.ts";
import { labOptions } from "../mitm/lab-options.ts";
import type { DeviceOptions } from "../mitm/verbs/device.ts";
import { dirOption, type VerbGroup, wholeNumber } from "../verb.ts";

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
    async (session, options) => (await import("../mitm/verbs/device.ts")).attack(session, options),
  );
}
