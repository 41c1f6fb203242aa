import { opaque, struct, type TypeOf, uint32 } from "./presentation.ts";

/**
 * RFC 5077 §3.3: an empty ticket is how a server says that it has none after all.
 *     struct {
 *       uint32 ticket_lifetime_hint;
 *       opaque ticket<0..2^16-1>;
 *     } NewSessionTicket;
 */
export const NewSessionTicket = struct({
  ticketLifetimeHint: uint32,
  ticket: opaque(0, 2 ** 16 - 1),
});
export type NewSessionTicket = TypeOf<typeof NewSessionTicket>;
