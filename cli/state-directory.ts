import { existsSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "./errors.ts";

/** The files of a state directory; docs/reference/config.md says what each is for. */
export function stateFiles(directory: string) {
  return {
    directory,
    rootCertificate: join(directory, "root.cert.pem"),
    rootKey: join(directory, "root.key.pem"),
    issuingCertificate: join(directory, "issuing.cert.pem"),
    issuingKey: join(directory, "issuing.key.pem"),
    gatewayCertificate: join(directory, "gateway.cert.pem"),
    gatewayKey: join(directory, "gateway.key.pem"),
    ca: join(directory, "ca.pem"),
    crl: join(directory, "crl.pem"),
    inventory: join(directory, "inventory.sqlite"),
    broker: join(directory, "broker.sqlite"),
    dtlsAssociations: join(directory, "dtls-associations"),
    dtlsAssociationsKey: join(directory, "dtls-associations.key"),
    access: join(directory, "access.json"),
    settings: join(directory, "sallyport.json"),
    devices: join(directory, "devices"),
  };
}
export type StateFiles = ReturnType<typeof stateFiles>;

/** Is there a PKI? The inventory is made last, so a directory that has one is complete. */
export function isInitialised(directory: string): boolean {
  const files = stateFiles(directory);
  return existsSync(files.ca) && existsSync(files.inventory);
}

/** The files of a state directory that holds a PKI; throws CLI_NOT_INITIALISED. */
export function openStateDirectory(directory: string): StateFiles {
  if (isInitialised(directory)) return stateFiles(directory);
  const lost = lostFile(directory);
  if (lost !== undefined) {
    throw new CliError(
      "CLI_NOT_INITIALISED",
      `${lost} is missing: restore it from a backup, or name another directory with --dir`,
    );
  }
  throw new CliError(
    "CLI_NOT_INITIALISED",
    `there is no PKI in ${directory}: run \`sallyport init\` or \`sallyport start\` first, or name its directory with --dir`,
  );
}

/** The file for want of which a directory that has an issuing CA holds no whole PKI. */
export function lostFile(directory: string): string | undefined {
  const { issuingCertificate, inventory, ca } = stateFiles(directory);
  return existsSync(issuingCertificate) ? [inventory, ca].find((path) => !existsSync(path)) : undefined;
}

/** The files of one device or operator below `out`. */
export function identityFiles(out: string, id: string) {
  return {
    key: join(out, `${id}.key.pem`),
    certificate: join(out, `${id}.cert.pem`),
    request: join(out, `${id}.csr.pem`),
    pkcs12: join(out, `${id}.p12`),
    ca: join(out, "ca.pem"),
  };
}
