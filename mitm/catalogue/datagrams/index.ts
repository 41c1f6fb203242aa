import type { Attack } from "../../attack.ts";

export const datagramAttacks: readonly Attack[] = [];
