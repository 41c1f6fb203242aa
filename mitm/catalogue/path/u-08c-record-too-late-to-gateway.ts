import { pairAttack } from "../../attack.ts";
import { beyondTheWindow, holdBack } from "./replays.ts";

export default pairAttack({
  id: "U-08c",
  title: "a record to the gateway that comes when the window has passed it, and then again",
  transports: ["dtls"],
  defeats: "replay-window-missing",
  severity: "high",
  reference: { rfc: ["RFC 6347 §4.1.2.6"], cwe: [294], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  run: (lab) => holdBack(lab, "gateway", beyondTheWindow),
});
