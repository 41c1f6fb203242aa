import { deviceAttack } from "../../attack.ts";
import { brokenSignatures, offerOf } from "./device-offer.ts";

export default deviceAttack({
  id: "P-04m",
  title: "signatures with SHA-1 or MD5 in the offer of the device",
  transports: ["tls"],
  defeats: "broken-signatures-offered",
  severity: "medium",
  reference: {
    rfc: ["RFC 9155 §2"],
    cwe: [328],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)"],
  },
  run: (lab) => offerOf(lab, brokenSignatures),
});
