import type { WeaknessText } from "./text.ts";

/** Rules of DTLS and UDP that a peer may fail to keep. */
export const datagramWeaknesses = {} as const satisfies Record<string, WeaknessText>;
