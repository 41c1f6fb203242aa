import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { hoursFromNow, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-06b",
  title: "a fresh certificate below a CA that is not valid yet",
  transports: bothTransports,
  defeats: "validity-of-leaf-only",
  severity: "low",
  reference: certificateReference(["RFC 5280 §6.1.3 (a)(2)"], [298]),
  async run(lab) {
    const issuer = await lab.forge.ca({ notBefore: hoursFromNow(20), notAfter: hoursFromNow(23) });
    return show(lab, await lab.forge.gateway({ name: "a certificate of a CA of tomorrow", issuer }));
  },
});
