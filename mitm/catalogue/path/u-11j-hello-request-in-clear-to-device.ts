import { pairAttack } from "../../attack.ts";
import { helloRequest, sendInClear } from "./in-clear.ts";

export default pairAttack({
  id: "U-11j",
  title: "a HelloRequest in clear sent to the device in an open session",
  transports: ["dtls"],
  defeats: "plaintext-handshake-obeyed",
  severity: "medium",
  reference: {
    rfc: ["RFC 6347 §4.1", "RFC 9325 §3.5"],
    cwe: [345, 400],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  run: (lab) => sendInClear(lab, "device", helloRequest, "a HelloRequest in clear", "obeyed"),
});
