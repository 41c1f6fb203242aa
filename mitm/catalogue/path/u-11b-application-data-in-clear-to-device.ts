import { pairAttack } from "../../attack.ts";
import { data, sendInClear } from "./in-clear.ts";

export default pairAttack({
  id: "U-11b",
  title: "application data in clear sent to the device in an open session",
  transports: ["dtls"],
  defeats: "plaintext-data-accepted",
  severity: "critical",
  reference: { rfc: ["RFC 6347 §4.1"], cwe: [319, 345], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  run: (lab) => sendInClear(lab, "device", data, "application data in clear", "delivered"),
});
