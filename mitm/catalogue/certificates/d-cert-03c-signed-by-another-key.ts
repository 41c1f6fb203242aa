import { deviceAttack } from "../../attack.ts";
import { newKey } from "../../mint/algorithms.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-03c",
  title: "a certificate in the CA's name, signed by somebody else",
  transports: bothTransports,
  defeats: "chain-not-verified",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §6.1.3 (a)(1)"], [347]),
  async run(lab) {
    const signWith = await newKey("p256");
    return show(lab, await lab.forge.gateway({ name: "a certificate that the CA did not sign", signWith }));
  },
});
