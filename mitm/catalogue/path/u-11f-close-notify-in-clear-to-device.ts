import { pairAttack } from "../../attack.ts";
import { closeNotify, sendInClear } from "./in-clear.ts";

export default pairAttack({
  id: "U-11f",
  title: "a close_notify in clear sent to the device in an open session",
  transports: ["dtls"],
  defeats: "plaintext-alert-obeyed",
  severity: "medium",
  reference: { rfc: ["RFC 6347 §4.1.2.7"], cwe: [345, 400], en303645: ["5.5-1"], cra: ["I(2)(h)"] },
  run: (lab) => sendInClear(lab, "device", closeNotify, "a close_notify in clear", "obeyed"),
});
