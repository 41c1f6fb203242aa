import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { hoursFromNow, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-04",
  title: "an expired certificate",
  transports: bothTransports,
  defeats: "ignores-expiry",
  severity: "high",
  reference: certificateReference(["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3 (a)(2)"], [298]),
  async run(lab) {
    const credential = await lab.forge.gateway({
      name: "an expired certificate",
      notBefore: hoursFromNow(-2),
      notAfter: hoursFromNow(-1),
    });
    return show(lab, credential);
  },
});
