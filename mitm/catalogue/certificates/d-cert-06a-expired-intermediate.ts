import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { hoursFromNow, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-06a",
  title: "a fresh certificate below an expired CA",
  transports: bothTransports,
  defeats: "validity-of-leaf-only",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §6.1.3 (a)(2)"], [298]),
  async run(lab) {
    const issuer = await lab.forge.ca({ notBefore: hoursFromNow(-2), notAfter: hoursFromNow(-1) });
    return show(lab, await lab.forge.gateway({ name: "a certificate of an expired CA", issuer }));
  },
});
