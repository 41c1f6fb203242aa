import type { WeaknessText } from "./text.ts";

/** Rules of TLS that a peer may fail to keep. */
export const protocolWeaknesses = {} as const satisfies Record<string, WeaknessText>;
