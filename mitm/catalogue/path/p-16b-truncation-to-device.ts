import { pairAttack } from "../../attack.ts";
import { truncate } from "./truncation.ts";

export default pairAttack({
  id: "P-16b",
  title: "a message to the device cut off by the end of TCP",
  transports: ["tls"],
  defeats: "truncation-unnoticed",
  severity: "medium",
  reference: { rfc: ["RFC 8446 §6.1", "RFC 5246 §7.2.1"], cwe: [924], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  run: (lab) => truncate(lab, "device"),
});
