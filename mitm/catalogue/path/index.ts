import type { Attack } from "../../attack.ts";

export const pathAttacks: readonly Attack[] = [];
