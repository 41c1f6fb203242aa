import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { hoursFromNow, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-05",
  title: "a certificate that is not valid yet",
  transports: bothTransports,
  defeats: "ignores-not-before",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3 (a)(2)"], [298]),
  async run(lab) {
    const credential = await lab.forge.gateway({
      name: "a certificate of tomorrow",
      notBefore: hoursFromNow(20),
      notAfter: hoursFromNow(23),
    });
    return show(lab, credential);
  },
});
