import { deviceAttack } from "../../attack.ts";
import { unofferedSuite } from "./unoffered-suite.ts";

export default deviceAttack({
  id: "P-05b",
  title: "a cipher suite that was not offered, in TLS 1.2",
  transports: ["tls"],
  defeats: "unoffered-cipher-suite",
  severity: "high",
  reference: { rfc: ["RFC 5246 §7.4.1.3"], cwe: [757], en303645: ["5.5-1"], cra: ["I(2)(e)", "I(2)(f)"] },
  run: async (lab) => lab.judge(await unofferedSuite(lab, "TLS 1.2")),
});
