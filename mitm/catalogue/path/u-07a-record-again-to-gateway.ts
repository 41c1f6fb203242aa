import { pairAttack } from "../../attack.ts";
import { replay } from "./replays.ts";

export default pairAttack({
  id: "U-07a",
  title: "a record to the gateway sent again at once",
  transports: ["dtls"],
  defeats: "replay-window-missing",
  severity: "high",
  reference: { rfc: ["RFC 6347 §4.1.2.6"], cwe: [294], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  run: (lab) => replay(lab, "gateway", 0),
});
