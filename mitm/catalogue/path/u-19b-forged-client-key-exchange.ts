import { pairAttack } from "../../attack.ts";
import { disturb } from "./disturbed-handshake.ts";
import { forgedMessage, messageIn } from "./forged-handshakes.ts";

export default pairAttack({
  id: "U-19b",
  title: "a forged ClientKeyExchange before the device's own",
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
      what: "a forged ClientKeyExchange",
      forge: (datagram) => {
        const own = datagram.from === "device" ? messageIn(datagram, 16) : undefined;
        // RFC 8422 §5.7: a key of the right length, and of nobody.
        return (
          own && [forgedMessage(16, own.messageSeq, Buffer.concat([Uint8Array.of(32), lab.prng.bytes(32)]))]
        );
      },
    }),
});
