import { pairAttack } from "../../attack.ts";
import { disturb } from "./disturbed-handshake.ts";
import { forgedAlert } from "./forged-handshakes.ts";

export default pairAttack({
  id: "U-19c",
  title: "a forged alert in answer to the ClientHello",
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
      to: "device",
      what: "a forged alert",
      forge: ({ from }) => (from === "gateway" ? [forgedAlert(40)] : undefined),
    }),
});
