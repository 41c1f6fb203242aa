import { pairAttack } from "../../attack.ts";
import { finished, sendInClear } from "./in-clear.ts";

export default pairAttack({
  id: "U-11g",
  title: "ChangeCipherSpec and Finished in clear sent to the gateway in an open session",
  transports: ["dtls"],
  defeats: "plaintext-handshake-obeyed",
  severity: "medium",
  reference: { rfc: ["RFC 6347 §4.1"], cwe: [345, 400], en303645: ["5.5-1"], cra: ["I(2)(h)"] },
  run: (lab) => sendInClear(lab, "gateway", finished, "ChangeCipherSpec and Finished in clear", "obeyed"),
});
