import { writeMessage } from "../../../dtls/wire/handshake.ts";
import { gatewayAttack } from "../../attack.ts";
import type { Framed, Framing } from "../../dtls/options.ts";
import { enterWith } from "./flight.ts";
import { integrity, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-17b",
  title: "handshake messages that all have the same number",
  transports: overDtls,
  defeats: "message-sequence-not-checked",
  severity: "medium",
  reference: integrity(["RFC 6347 §4.2.2"], [841]),
  async run(lab) {
    let first: number | undefined;
    const framing = ({ name, msgType, messageSeq, body }: Framed): Framing | undefined => {
      if (name === "ClientHello") return undefined;
      first ??= messageSeq;
      const message = writeMessage(msgType, first, body);
      return first === messageSeq ? undefined : { fragments: [message], transcribed: message };
    };
    return await enterWith(lab, { framing }, []);
  },
});
