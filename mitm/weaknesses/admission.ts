import type { WeaknessText } from "./text.ts";

/** What a gateway may fail to demand of whoever wants in. */
export const admissionWeaknesses = {} as const satisfies Record<string, WeaknessText>;
