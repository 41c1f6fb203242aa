import { pairAttack } from "../../attack.ts";
import { disturb } from "./disturbed-handshake.ts";
import { forgedMessage, messageIn } from "./forged-handshakes.ts";

export default pairAttack({
  id: "U-19f",
  title: "a forged HelloVerifyRequest before the gateway's own",
  transports: ["dtls"],
  defeats: "handshake-failure-is-final",
  severity: "medium",
  reference: {
    rfc: ["RFC 6347 §4.2.4", "RFC 6347 §4.1.2.7"],
    cwe: [345, 362, 400],
    en303645: ["5.9-3"],
    cra: ["I(2)(h)"],
  },
  run: (lab) =>
    disturb(lab, {
      to: "device",
      what: "a forged HelloVerifyRequest",
      forge: (datagram) => {
        const own = datagram.from === "gateway" ? messageIn(datagram, 3) : undefined;
        // RFC 6347 §4.2.1: server_version, and a cookie that the gateway never made.
        return (
          own && [
            forgedMessage(
              3,
              own.messageSeq,
              Buffer.concat([Uint8Array.of(0xfe, 0xff, 20), lab.prng.bytes(20)]),
            ),
          ]
        );
      },
    }),
});
