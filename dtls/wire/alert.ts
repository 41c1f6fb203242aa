import { struct, type TypeOf, uint8 } from "./presentation.ts";

/**
 * RFC 5246 §7.2
 *     struct {
 *       AlertLevel level;
 *       AlertDescription description;
 *     } Alert;
 */
export const Alert = struct({ level: uint8, description: uint8 });
export type Alert = TypeOf<typeof Alert>;
