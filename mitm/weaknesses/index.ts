import { admissionWeaknesses } from "./admission.ts";
import { certificateWeaknesses } from "./certificates.ts";
import { datagramWeaknesses } from "./datagrams.ts";
import { mqttWeaknesses } from "./mqtt.ts";
import { pathWeaknesses } from "./path.ts";
import { protocolWeaknesses } from "./protocol.ts";
import type { WeaknessText } from "./text.ts";

/** By its name, in kebab case: "ignores-expiry". */
export const weaknesses = {
  ...certificateWeaknesses,
  ...admissionWeaknesses,
  ...protocolWeaknesses,
  ...datagramWeaknesses,
  ...pathWeaknesses,
  ...mqttWeaknesses,
} as const satisfies Record<string, WeaknessText>;

export type Weakness = keyof typeof weaknesses;

/** What a report says of a weakness; a reader must not take a choice of policy for a broken standard. */
export function aboutWeakness(name: Weakness): {
  readonly name: Weakness;
  readonly what: string;
  readonly remedy: string;
} {
  const { what, remedy, policy }: WeaknessText = weaknesses[name];
  const mark = policy === true ? " (A rule of policy: no standard forbids it.)" : "";
  return { name, what: `${what}${mark}`, remedy };
}
