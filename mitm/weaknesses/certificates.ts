import type { WeaknessText } from "./text.ts";

/** Checks of the other side's certificate that a device (or a gateway) may lack. */
export const certificateWeaknesses = {
  "chain-not-verified": {
    what: "The peer's certificate is not traced to a trust anchor by valid signatures.",
    remedy: "Verify each signature of the path up to an anchor that the device holds; the issuer's name proves nothing.",
  },
  "ignores-expiry": {
    what: "The validity period of a certificate is not checked.",
    remedy: "Compare notBefore and notAfter of each certificate of the path with a clock that cannot be set from outside.",
  },
} as const satisfies Record<string, WeaknessText>;
