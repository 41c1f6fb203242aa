import type { WeaknessText } from "./text.ts";

/** What two ends may fail to notice of the path between them. */
export const pathWeaknesses = {} as const satisfies Record<string, WeaknessText>;
