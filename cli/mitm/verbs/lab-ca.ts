import { type Session } from "../../verb.ts";
import { labCaFiles, makeLabCa } from "../lab-ca.ts";

export interface LabCaVerbOptions {
  readonly name?: readonly string[];
  readonly days: number;
}

export async function make(
  { out }: Session,
  options: LabCaVerbOptions,
  [directory = ""]: string[],
): Promise<void> {
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
