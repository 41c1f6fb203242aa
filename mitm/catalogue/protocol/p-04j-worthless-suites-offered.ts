import { deviceAttack } from "../../attack.ts";
import { offerOf, worthlessSuites } from "./device-offer.ts";

export default deviceAttack({
  id: "P-04j",
  title: "cipher suites without encryption, authentication or strength in the offer of the device",
  transports: ["tls"],
  defeats: "worthless-suites-offered",
  severity: "high",
  reference: {
    rfc: ["RFC 9325 §4.1"],
    cwe: [327, 757],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)"],
  },
  run: (lab) => offerOf(lab, worthlessSuites),
});
