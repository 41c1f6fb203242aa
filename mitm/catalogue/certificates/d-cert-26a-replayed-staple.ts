import { deviceAttack } from "../../attack.ts";
import { certificateReference } from "./reference.ts";
import { hoursFromNow } from "./shown.ts";
import { showStapled } from "./stapled.ts";

export default deviceAttack({
  id: "D-CERT-26a",
  title: "an OCSP response of last week, from before the certificate was revoked",
  transports: ["tls"],
  defeats: "stale-staple-accepted",
  severity: "medium",
  reference: certificateReference(["RFC 6066 §8", "RFC 6960 §3.2"], [299, 294]),
  async run(lab) {
    const serialNumber = lab.forge.pki.revokedSerialNumber;
    const credential = await lab.forge.gateway({ name: "a revoked certificate", serialNumber });
    const times = { thisUpdate: hoursFromNow(-168), nextUpdate: hoursFromNow(-144) };
    const response = await lab.forge.ocspResponse(credential, times);
    return showStapled(lab, credential, response, "an OCSP response past its nextUpdate");
  },
});
