import { pairAttack } from "../../attack.ts";
import { data, sendInClear } from "./in-clear.ts";

export default pairAttack({
  id: "U-11a",
  title: "application data in clear sent to the gateway in an open session",
  transports: ["dtls"],
  defeats: "plaintext-data-accepted",
  severity: "critical",
  reference: { rfc: ["RFC 6347 §4.1"], cwe: [319, 345], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  run: (lab) => sendInClear(lab, "gateway", data, "application data in clear", "delivered"),
});
