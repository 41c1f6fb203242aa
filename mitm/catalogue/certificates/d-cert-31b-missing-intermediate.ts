import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-31b",
  title: "a certificate of an unknown CA, which is not sent",
  transports: bothTransports,
  defeats: "unknown-issuer-accepted",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §6.1.3 (a)(4)", "RFC 8446 §4.4.2"], [296]),
  async run(lab) {
    const root = await lab.forge.rogueRoot({ subject: { O: "Somebody else", CN: "Another root" } });
    const { chain, key } = await lab.forge.gateway({ issuer: root });
    return show(lab, { name: "a certificate of a CA that nobody knows", chain: chain.slice(0, 1), key });
  },
});
