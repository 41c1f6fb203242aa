import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { dnsNameOf, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-09a",
  title: "the right name in a URI",
  transports: bothTransports,
  defeats: "name-type-ignored",
  severity: "medium",
  reference: certificateReference(["RFC 9525 §6.3", "RFC 5280 §4.2.1.6"], [297]),
  async run(lab) {
    const value = `https://${dnsNameOf(lab)}/`;
    const subjectAltName = [{ type: "uniformResourceIdentifier", value } as const];
    return show(lab, await lab.forge.gateway({ name: "a certificate with a URI", subjectAltName }));
  },
});
