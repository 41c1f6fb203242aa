import { pairAttack } from "../../attack.ts";
import { downgrade } from "./downgrade.ts";

export default pairAttack({
  id: "P-03-path-a",
  title: "TLS 1.3 taken out of the ClientHello",
  transports: ["tls"],
  defeats: "downgrade-sentinel-ignored",
  severity: "high",
  reference: {
    rfc: ["RFC 8446 §4.1.3", "RFC 8446 §D.1"],
    cwe: [757],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)"],
  },
  run: (lab) => downgrade(lab),
});
