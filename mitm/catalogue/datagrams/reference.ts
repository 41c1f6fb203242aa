import type { Reference } from "../../attack.ts";

/** Rules that say who the peer is. */
export function authentication(
  rfc: readonly string[],
  cwe: readonly number[],
  also?: readonly string[],
): Reference {
  return { rfc, cwe, en303645: ["5.5-1", "5.5-4"], cra: ["I(2)(d)"], ...(also && { also }) };
}

/** Rules that say what of it is the peer's word. */
export function integrity(
  rfc: readonly string[],
  cwe: readonly number[],
  also?: readonly string[],
): Reference {
  return { rfc, cwe, en303645: ["5.5-1"], cra: ["I(2)(e)", "I(2)(f)"], ...(also && { also }) };
}

/** Rules that keep a peer in service, whatever it is sent. */
export function availability(
  rfc: readonly string[],
  cwe: readonly number[],
  also?: readonly string[],
): Reference {
  return { rfc, cwe, en303645: ["5.13-1"], cra: ["I(2)(h)"], ...(also && { also }) };
}

export const overDtls = ["dtls"] as const;
