import { existsSync } from "node:fs";
import type { Limits } from "../gateway/index.ts";
import { flag, mapOf, orFalse, readJsonFile, record, text, whole } from "./json-file.ts";

/** `sallyport.json`. Everything may be left out; what the command line says goes before it. */
export interface Settings {
  readonly host: string;
  readonly mqttPort: number;
  /** false: no DTLS. */
  readonly dtlsPort: number | false;
  readonly dangerouslyAllowMissingExtendedMasterSecret: boolean;
  /** A revocation list that the gateway consults beside the inventory. */
  readonly crl: string;
  /** Bounds of the gateway; it checks the names and ranges itself. */
  readonly limits: Partial<Limits>;
}

/** Reads `sallyport.json`; a missing file is an empty one. Throws CLI_SETTINGS with the path of a bad key. */
export function readSettings(path: string): Partial<Settings> {
  return existsSync(path) ? readJsonFile(path, settingsRule, "CLI_SETTINGS") : {};
}

const settingsRule = record<Settings>({
  host: text,
  mqttPort: whole(0, 65535),
  dtlsPort: orFalse(whole(0, 65535)),
  dangerouslyAllowMissingExtendedMasterSecret: flag,
  crl: text,
  limits: mapOf(whole(0, Number.MAX_SAFE_INTEGER)),
});
