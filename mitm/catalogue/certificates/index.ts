import type { Attack } from "../../attack.ts";

export const certificateAttacks: readonly Attack[] = [];
