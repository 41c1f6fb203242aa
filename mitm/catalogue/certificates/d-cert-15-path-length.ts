import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-15",
  title: "a CA below one that may only issue leaves",
  transports: bothTransports,
  defeats: "path-length-ignored",
  severity: "high",
  reference: certificateReference(["RFC 5280 §4.2.1.9", "RFC 5280 §6.1.4 (l)"], [296]),
  async run(lab) {
    const limited = await lab.forge.ca({ pathLenConstraint: 0 });
    const issuer = await lab.forge.ca({ issuer: limited });
    return show(lab, await lab.forge.gateway({ name: "a certificate of one CA too many", issuer }));
  },
});
