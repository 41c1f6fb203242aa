import { fixed, type Type } from "./presentation.ts";
import { ReturnRoutabilityMessageType } from "./registry.ts";

export interface ReturnRoutabilityCheck {
  readonly msgType: number;
  /** 8 bytes; of an unknown message whatever followed its type. */
  readonly cookie: Uint8Array;
}

const known: readonly number[] = Object.values(ReturnRoutabilityMessageType);
const Cookie = fixed(8);

/**
 * RFC 9853 §4. A message of an unknown type can be read, so that it is ignored and not taken for nonsense.
 *     uint64 Cookie;
 *     struct {
 *       rrc_msg_type msg_type;
 *       select (return_routability_check.msg_type) {
 *         case path_challenge: Cookie;
 *         case path_response:  Cookie;
 *         case path_drop:      Cookie;
 *       };
 *     } return_routability_check;
 */
export const ReturnRoutabilityCheck: Type<ReturnRoutabilityCheck> = {
  read(reader) {
    const msgType = reader.uint8();
    const cookie = known.includes(msgType) ? Cookie.read(reader) : reader.bytes(reader.remaining);
    return { msgType, cookie };
  },
  write(writer, { msgType, cookie }) {
    writer.uint(msgType, 1);
    if (known.includes(msgType)) Cookie.write(writer, cookie);
    else writer.bytes(cookie);
  },
};
