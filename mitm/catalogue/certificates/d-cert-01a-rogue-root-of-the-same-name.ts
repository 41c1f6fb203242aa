import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-01a",
  title: "a chain of another root with the trusted root's name",
  transports: bothTransports,
  defeats: "chain-not-verified",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §6.1.3 (a)(1)"], [296, 347]),
  async run(lab) {
    const issuer = await lab.forge.rogueIssuing();
    const name = "a certificate of a rogue CA named as the trusted one";
    const { chain, key } = await lab.forge.gateway({ issuer });
    // Not the rogue root itself: the device shall find its own by the name.
    return show(lab, { name, chain: chain.slice(0, 2), key });
  },
});
