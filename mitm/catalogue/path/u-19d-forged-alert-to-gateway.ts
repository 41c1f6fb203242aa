import { pairAttack } from "../../attack.ts";
import { disturb } from "./disturbed-handshake.ts";
import { forgedAlert, messageIn } from "./forged-handshakes.ts";

export default pairAttack({
  id: "U-19d",
  title: "a forged alert before the device's last flight",
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
      what: "a forged alert",
      forge: (datagram) =>
        datagram.from === "device" && messageIn(datagram, 16) !== undefined ? [forgedAlert(42)] : undefined,
    }),
});
