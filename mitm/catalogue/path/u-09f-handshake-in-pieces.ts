import { pairAttack } from "../../attack.ts";
import { refragment } from "../../path/refragment.ts";
import { handshakeIn } from "./bad-weather.ts";

export default pairAttack({
  id: "U-09f",
  title: "handshake messages cut into small pieces that overlap, in another order",
  transports: ["dtls"],
  defeats: "fragments-not-reassembled",
  severity: "medium",
  reference: { rfc: ["RFC 6347 §4.2.3"], cwe: [703], en303645: ["5.9-1"], cra: ["I(2)(h)"] },
  run: (lab) =>
    handshakeIn(lab, ({ records }) => {
      const instead = refragment(records, { pieceBytes: 60, overlapBytes: 9, shuffle: true }, lab.prng);
      return instead && { instead, note: "cut into pieces that overlap" };
    }),
});
