import { pairAttack } from "../../attack.ts";
import { disturb } from "./disturbed-handshake.ts";
import { forgedMessage, messageIn } from "./forged-handshakes.ts";

export default pairAttack({
  id: "U-19e",
  title: "a forged ServerHello before the gateway's own",
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
      what: "a forged ServerHello",
      forge: (datagram) => {
        const own = datagram.from === "gateway" ? messageIn(datagram, 2) : undefined;
        if (own === undefined || own.body.length !== own.length) return undefined;
        // Another random: RFC 5246 §7.4.3, the signature of ServerKeyExchange will not fit it.
        const body = Buffer.concat([own.body.subarray(0, 2), lab.prng.bytes(32), own.body.subarray(34)]);
        return [forgedMessage(2, own.messageSeq, body)];
      },
    }),
});
