import { pairAttack } from "../../attack.ts";
import { handshakeIn } from "./bad-weather.ts";

export default pairAttack({
  id: "U-09c",
  title: "every third datagram of a handshake lost, the one after it doubled",
  transports: ["dtls"],
  defeats: "no-retransmission",
  severity: "medium",
  reference: { rfc: ["RFC 6347 §4.2.4"], cwe: [400], en303645: ["5.9-1"], cra: ["I(2)(h)"] },
  run: (lab) =>
    handshakeIn(lab, ({ index, bytes }) => {
      if (index % 3 === 0) return { instead: [], note: "lost" };
      return index % 3 === 1 ? { instead: [bytes, bytes], note: "twice" } : undefined;
    }),
});
