import { writeMessage } from "../../../dtls/wire/handshake.ts";
import type { Framed, Framing } from "../../dtls/options.ts";

const gap = 3;

/** Counts these messages as if some had gone before them. */
export function withGap(...names: readonly string[]): (message: Framed) => Framing | undefined {
  return ({ name, msgType, messageSeq, body }) => {
    if (!names.includes(name)) return undefined;
    const message = writeMessage(msgType, messageSeq + gap, body);
    return { fragments: [message], transcribed: message };
  };
}
