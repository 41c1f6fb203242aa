import { pairAttack } from "../../attack.ts";
import { stripConnectionId } from "./connection-ids.ts";

export default pairAttack({
  id: "U-35a",
  title: "a record to the gateway whose connection id was taken out",
  transports: ["dtls"],
  defeats: "cid-not-required",
  severity: "medium",
  reference: { rfc: ["RFC 9146 §3", "RFC 9146 §6"], cwe: [290, 345], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  run: (lab) => stripConnectionId(lab, "gateway"),
});
