import { labOptions } from "../mitm/lab-options.ts";
import type { PairOptions } from "../mitm/verbs/pair.ts";
import { type VerbGroup, wholeNumber } from "../verb.ts";

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
    async (session, options) => (await import("../mitm/verbs/pair.ts")).attack(session, options),
  );
}
