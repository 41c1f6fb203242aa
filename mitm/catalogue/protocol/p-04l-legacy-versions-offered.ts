import { deviceAttack } from "../../attack.ts";
import { legacyVersions, offerOf } from "./device-offer.ts";

export default deviceAttack({
  id: "P-04l",
  title: "versions before TLS 1.2 in the offer of the device",
  transports: ["tls"],
  defeats: "legacy-versions-offered",
  severity: "medium",
  reference: {
    rfc: ["RFC 8996 §5", "RFC 9325 §3.1.1"],
    cwe: [327, 757],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)"],
  },
  run: (lab) => offerOf(lab, legacyVersions),
});
