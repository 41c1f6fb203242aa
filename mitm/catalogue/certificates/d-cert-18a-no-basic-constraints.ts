import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-18a",
  title: "a certificate of a CA without basicConstraints",
  transports: bothTransports,
  defeats: "basic-constraints-not-checked",
  severity: "high",
  reference: certificateReference(["RFC 5280 §4.2.1.9", "RFC 5280 §6.1.4 (k)"], [296]),
  async run(lab) {
    const issuer = await lab.forge.ca({ without: ["basicConstraints"] });
    return show(lab, await lab.forge.gateway({ name: "a certificate of a CA that is none", issuer }));
  },
});
