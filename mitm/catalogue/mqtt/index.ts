import type { Attack } from "../../attack.ts";

export const mqttAttacks: readonly Attack[] = [];
