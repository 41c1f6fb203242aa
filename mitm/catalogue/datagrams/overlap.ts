import { writeFragment, writeMessage } from "../../../dtls/wire/handshake.ts";
import type { Framed, Framing } from "../../dtls/options.ts";

/** How many bytes two fragments have in common. */
const shared = 8;

/**
 * A Certificate in two fragments that overlap, of which the second has another byte where both have one. Put together
 * by what came first it is the right message; the transcript has it by what came last. Only who does one for the
 * certificate and the other for Finished can come to an agreement.
 */
export function overlapped({ name, msgType, messageSeq, body }: Framed): Framing | undefined {
  if (name !== "Certificate") return undefined;
  const cut = body.length >> 1;
  const altered = body.map((byte, index) => (index === cut ? byte ^ 0xff : byte));
  return {
    fragments: [
      writeFragment(msgType, body.length, messageSeq, 0, body.subarray(0, cut + shared)),
      writeFragment(msgType, body.length, messageSeq, cut, altered.subarray(cut)),
    ],
    transcribed: writeMessage(msgType, messageSeq, altered),
  };
}
