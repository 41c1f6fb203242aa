import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-03b",
  title: "a certificate whose signature has one bit flipped",
  transports: bothTransports,
  defeats: "chain-not-verified",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §6.1.3 (a)(1)"], [347]),
  async run(lab) {
    const credential = await lab.forge.gateway({
      name: "a certificate with an altered signature",
      corrupt: true,
    });
    return show(lab, credential);
  },
});
