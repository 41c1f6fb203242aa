import { pairAttack } from "../../attack.ts";
import { holdBack } from "./replays.ts";

export default pairAttack({
  id: "U-08a",
  title: "a record to the gateway that comes after the next one, and then again",
  transports: ["dtls"],
  defeats: "replay-window-missing",
  severity: "high",
  reference: { rfc: ["RFC 6347 §4.1.2.6"], cwe: [294], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  run: (lab) => holdBack(lab, "gateway", 1),
});
