import { makeExtension } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { dnsName, dnsNameOf, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-16",
  title: "a certificate outside of what its CA may name",
  transports: bothTransports,
  defeats: "name-constraints-ignored",
  severity: "high",
  reference: certificateReference(["RFC 5280 §4.2.1.10", "RFC 5280 §6.1.3 (b)"], [295]),
  async run(lab) {
    dnsNameOf(lab);
    const permittedSubtrees = [dnsName("elsewhere.example")];
    const constraints = makeExtension.nameConstraints({ permittedSubtrees, excludedSubtrees: [] });
    const issuer = await lab.forge.ca({ pathLenConstraint: 0, extensions: [constraints] });
    return show(lab, await lab.forge.gateway({ name: "a certificate of a CA for other names", issuer }));
  },
});
