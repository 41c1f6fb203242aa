import { deviceAttack } from "../../attack.ts";
import { offerOf, outdatedSuites } from "./device-offer.ts";

export default deviceAttack({
  id: "P-04k",
  title: "cipher suites without forward secrecy or AEAD in the offer of the device",
  transports: ["tls"],
  defeats: "outdated-suites-offered",
  severity: "low",
  reference: {
    rfc: ["RFC 9325 §4.1", "RFC 9325 §4.2"],
    cwe: [327, 757],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)"],
  },
  run: (lab) => offerOf(lab, outdatedSuites),
});
