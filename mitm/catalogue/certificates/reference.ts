import type { Reference } from "../../attack.ts";

/** The rules by which a device knows its gateway, and the provision and essential requirements that they are part of. */
export function certificateReference(
  rfc: readonly string[],
  cwe: readonly number[],
  also?: readonly string[],
): Reference {
  const common = { rfc, cwe, en303645: ["5.5-1"], cra: ["I(2)(d)", "I(2)(e)"] };
  return also === undefined ? common : { ...common, also };
}

export const bothTransports = ["tls", "dtls"] as const;
