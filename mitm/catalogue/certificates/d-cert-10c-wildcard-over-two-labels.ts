import { deviceAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { dnsNameOf, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-10c",
  title: "a wildcard over two labels",
  transports: bothTransports,
  defeats: "deep-wildcard-accepted",
  severity: "medium",
  reference: certificateReference(["RFC 9525 §6.3"], [297]),
  async run(lab) {
    const labels = dnsNameOf(lab).split(".");
    // A domain of one label would be refused for that alone.
    if (labels.length < 4) throw new NotApplicable("the name has no two labels above a domain of two");
    const names = [["*", ...labels.slice(2)].join(".")];
    return show(lab, await lab.forge.gateway({ name: `a certificate for ${names.join()}`, names }));
  },
});
