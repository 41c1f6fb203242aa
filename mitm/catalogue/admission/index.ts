import type { Attack } from "../../attack.ts";

export const admissionAttacks: readonly Attack[] = [];
