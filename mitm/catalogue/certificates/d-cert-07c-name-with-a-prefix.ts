import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { dnsNameOf, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-07c",
  title: "a certificate for the right name with letters before it",
  transports: bothTransports,
  defeats: "name-matched-in-part",
  severity: "critical",
  reference: certificateReference(["RFC 9525 §6.3"], [297]),
  async run(lab) {
    const names = [`not-${dnsNameOf(lab)}`];
    return show(lab, await lab.forge.gateway({ name: "a certificate that ends in the right name", names }));
  },
});
