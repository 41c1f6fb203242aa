import type { WeaknessText } from "./text.ts";

/** What a broker may let an authenticated device do. */
export const mqttWeaknesses = {} as const satisfies Record<string, WeaknessText>;
