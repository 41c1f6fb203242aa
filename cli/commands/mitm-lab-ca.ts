import { labCaFiles, makeLabCa } from "../mitm/lab-ca.ts";
import { collectServerNames, type Session, type VerbGroup, wholeNumber } from "../verb.ts";

interface LabCaVerbOptions {
  readonly name?: readonly string[];
  readonly days: number;
}

export function addMitmLabCa(mitm: VerbGroup): void {
  mitm.verb<LabCaVerbOptions>(
    {
      usage: "lab-ca <dir>",
      summary: "make a CA for a gateway or a device to trust while it is attacked",
      description:
        "Makes a CA whose only use is the lab, with a gateway's and a device's certificate for the target to run with. Put " +
        "its ca.pem into a target that may be attacked, never into one in production: its keys are there to be misused.",
      examples: [
        ["mitm lab-ca lab", "for a gateway or a device on this machine"],
        ["mitm lab-ca lab --name gw.local --name 192.168.7.1", "by the names that the device dials"],
      ],
    },
    (command) =>
      command
        .option(
          "--name <name>",
          "a name or address of the gateway (may be repeated; default: localhost, 127.0.0.1)",
          collectServerNames,
        )
        .option("--days <n>", "how long it is good for", wholeNumber(1, 365), 30),
    make,
  );
}

async function make({ out }: Session, options: LabCaVerbOptions, [directory = ""]: string[]): Promise<void> {
  const names = options.name ?? ["localhost", "127.0.0.1"];
  await makeLabCa(directory, { names, days: options.days });
  const { ca, crl, gatewayKey, gatewayCertificate, deviceKey, deviceCertificate } = labCaFiles(directory);
  const document = {
    names,
    days: options.days,
    ca,
    crl,
    gatewayKey,
    gatewayCertificate,
    deviceKey,
    deviceCertificate,
  };
  out.result(document, () => {
    out.say(`a lab CA for ${names.join(", ")}, good for ${options.days} days:`);
    out.say(`  ${ca}: what the target trusts; ${crl}: its revocation list`);
    out.say(`  ${gatewayCertificate} and its key: for a gateway under attack`);
    out.say(`  ${deviceCertificate} and its key: for a device under attack`);
    out.say("Whoever trusts it trusts everything that this folder's keys sign: keep it out of production.");
    out.say(`next: npx sallyport mitm gateway HOST:PORT --lab-ca ${directory}`);
    out.say(`or:   npx sallyport mitm device --lab-ca ${directory}`);
  });
}
