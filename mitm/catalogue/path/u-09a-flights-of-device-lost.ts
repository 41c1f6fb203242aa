import { pairAttack } from "../../attack.ts";
import { firstOfEach, handshakeIn } from "./bad-weather.ts";

export default pairAttack({
  id: "U-09a",
  title: "each flight of the device lost once",
  transports: ["dtls"],
  defeats: "no-retransmission",
  severity: "medium",
  reference: { rfc: ["RFC 6347 §4.2.4"], cwe: [400], en303645: ["5.9-1"], cra: ["I(2)(h)"] },
  run: (lab) => handshakeIn(lab, firstOfEach("device")),
});
