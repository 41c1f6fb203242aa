import type { Attack } from "../attack.ts";
import { admissionAttacks } from "./admission/index.ts";
import { certificateAttacks } from "./certificates/index.ts";
import { datagramAttacks } from "./datagrams/index.ts";
import { mqttAttacks } from "./mqtt/index.ts";
import { pathAttacks } from "./path/index.ts";
import { protocolAttacks } from "./protocol/index.ts";

/** Every attack that the lab knows, one a file, in the order of the report. */
export const catalogue: readonly Attack[] = [
  ...certificateAttacks,
  ...admissionAttacks,
  ...protocolAttacks,
  ...datagramAttacks,
  ...pathAttacks,
  ...mqttAttacks,
];
