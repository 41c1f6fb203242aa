import type { KeyObject } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Credential, type KeptPki, LabPki } from "../../mitm/index.ts";
import {
  decodePem,
  encodePem,
  PkiError,
  readBoundedFile,
  readPrivateKeyFile,
  writeFileAtomic,
} from "../../pki/index.ts";
import { CliError } from "../errors.ts";
import { readJsonFile, record, text, texts } from "../json-file.ts";

/** Whom a lab CA vouches for: the device that the attacker owns by right, the one it wants to be, and a witness. */
export const labDevices = {
  attacker: "lab-attacker",
  victim: "lab-victim",
  operator: "lab-operator",
} as const;

/** What a lab CA leaves in its folder for the target, and what it keeps for itself. */
export function labCaFiles(directory: string) {
  const at = (name: string) => join(directory, name);
  return {
    ca: at("ca.pem"),
    crl: at("crl.pem"),
    gatewayKey: at("gateway.key.pem"),
    gatewayCertificate: at("gateway.cert.pem"),
    deviceKey: at("device.key.pem"),
    deviceCertificate: at("device.cert.pem"),
    rootKey: at("root.key.pem"),
    issuingKey: at("issuing.key.pem"),
    issuingCertificate: at("issuing.cert.pem"),
    description: at("lab.json"),
  };
}
type LabCaFiles = ReturnType<typeof labCaFiles>;

const labCaSchema = "sallyport-lab-ca/1";

interface Description {
  readonly schema: string;
  readonly trustDomain: string;
  readonly names: readonly string[];
  readonly revokedSerialNumber: string;
}

const description = record<Description>({
  schema: text,
  trustDomain: text,
  names: texts,
  revokedSerialNumber: text,
});

export interface OpenLabCa {
  readonly pki: LabPki;
  readonly files: LabCaFiles;
  /** The names in the gateway's certificate. */
  readonly names: readonly string[];
}

/** Makes a lab CA for targets to trust while they are attacked. Throws CLI_FILE_EXISTS for a folder in use. */
export async function makeLabCa(
  directory: string,
  options: { readonly names: readonly string[]; readonly days: number },
): Promise<OpenLabCa> {
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new CliError(
      "CLI_FILE_EXISTS",
      `${directory} is not empty: name a folder that the lab CA can have alone`,
    );
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // An empty one that was there may be anybody's to write in.
  chmodSync(directory, 0o700);
  const files = labCaFiles(directory);
  const pki = await LabPki.create({ days: options.days });
  const kept = pki.keep();
  const device = await pki.device(labDevices.attacker);
  const gateway = await pki.gateway(options.names);
  writeKey(files.rootKey, kept.root.key);
  writeKey(files.issuingKey, kept.issuing.key);
  writeKey(files.gatewayKey, kept.gatewayKey);
  writeKey(files.deviceKey, device.key);
  writeFileAtomic(files.ca, pki.anchorsPem, 0o644);
  writeFileAtomic(files.issuingCertificate, encodePem("CERTIFICATE", kept.issuing.certificate), 0o644);
  writeFileAtomic(files.gatewayCertificate, chainPem(gateway), 0o644);
  writeFileAtomic(files.deviceCertificate, chainPem(device), 0o644);
  const lists = (await pki.revocationLists()).map((der) => encodePem("X509 CRL", der));
  writeFileAtomic(files.crl, lists.join(""), 0o644);
  const about: Description = {
    schema: labCaSchema,
    trustDomain: kept.trustDomain,
    names: options.names,
    revokedSerialNumber: kept.revokedSerialNumber,
  };
  // Last: a folder that has it is complete.
  writeFileAtomic(files.description, `${JSON.stringify(about, null, 2)}\n`, 0o644);
  return { pki, files, names: options.names };
}

/** Throws CLI_FILE_MISSING or CLI_FILE_UNREADABLE, saying what to do. */
export function openLabCa(directory: string): OpenLabCa {
  const files = labCaFiles(directory);
  if (!existsSync(files.description)) {
    throw new CliError(
      "CLI_FILE_MISSING",
      `${directory} holds no lab CA: make one with \`sallyport mitm lab-ca ${directory}\``,
    );
  }
  try {
    const { trustDomain, names, revokedSerialNumber } = readDescription(files.description);
    const kept: KeptPki = {
      trustDomain,
      revokedSerialNumber,
      root: { certificate: onlyCertificate(files.ca), key: readPrivateKeyFile(files.rootKey) },
      issuing: {
        certificate: onlyCertificate(files.issuingCertificate),
        key: readPrivateKeyFile(files.issuingKey),
      },
      gatewayKey: readPrivateKeyFile(files.gatewayKey),
    };
    return { pki: LabPki.restore(kept), files, names };
  } catch (cause) {
    // Keys that others may read are refused in words of their own.
    if (cause instanceof CliError || cause instanceof PkiError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("CLI_FILE_UNREADABLE", `the lab CA in ${directory} cannot be read: ${why}`, { cause });
  }
}

function readDescription(path: string): Description {
  const read = readJsonFile(path, description, "CLI_FILE_UNREADABLE");
  const { schema, trustDomain, revokedSerialNumber, names } = read;
  if (schema !== labCaSchema || !trustDomain || !revokedSerialNumber || names === undefined) {
    throw new CliError("CLI_FILE_UNREADABLE", `${path} does not describe a lab CA of this version`);
  }
  return { schema, trustDomain, revokedSerialNumber, names };
}

function writeKey(path: string, key: KeyObject): void {
  writeFileAtomic(path, key.export({ type: "pkcs8", format: "pem" }), 0o600);
}

function onlyCertificate(path: string): Uint8Array {
  const [block] = decodePem(readBoundedFile(path).toString("utf8"));
  if (block === undefined) throw new CliError("CLI_FILE_UNREADABLE", `${path} holds no certificate`);
  return block.der;
}

function chainPem({ chain }: Credential): string {
  return chain.map((der) => encodePem("CERTIFICATE", der)).join("");
}
