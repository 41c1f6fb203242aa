import { pairAttack } from "../../attack.ts";
import { disturb } from "./disturbed-handshake.ts";
import { forgedMessage, messageIn } from "./forged-handshakes.ts";

export default pairAttack({
  id: "U-19a",
  title: "a forged Certificate before the device's own",
  transports: ["dtls"],
  defeats: "handshake-failure-is-final",
  severity: "medium",
  reference: {
    rfc: ["RFC 6347 §4.2.4", "RFC 6347 §4.1.2.7"],
    cwe: [345, 362, 400],
    en303645: ["5.9-1"],
    cra: ["I(2)(h)"],
  },
  run: (lab) =>
    disturb(lab, {
      to: "gateway",
      what: "a forged Certificate",
      forge: (datagram) => {
        const own = datagram.from === "device" ? messageIn(datagram, 11) : undefined;
        // RFC 5246 §7.4.6: an empty certificate_list.
        return own && [forgedMessage(11, own.messageSeq, new Uint8Array(3))];
      },
    }),
});
