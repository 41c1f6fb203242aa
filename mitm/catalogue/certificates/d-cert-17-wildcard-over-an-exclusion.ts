import { makeExtension } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { dnsName, dnsNameOf, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-17",
  title: "a wildcard of a CA that must not name the gateway",
  transports: bothTransports,
  defeats: "wildcard-escapes-exclusion",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §4.2.1.10", "RFC 5280 §6.1.3 (c)"], [295], ["CVE-2025-61727"]),
  async run(lab) {
    const wanted = dnsNameOf(lab);
    const constraints = makeExtension.nameConstraints({
      permittedSubtrees: [],
      excludedSubtrees: [dnsName(wanted)],
    });
    const issuer = await lab.forge.ca({ pathLenConstraint: 0, extensions: [constraints] });
    const names = [["*", ...wanted.split(".").slice(1)].join(".")];
    return show(lab, await lab.forge.gateway({ name: "a wildcard over an excluded name", issuer, names }));
  },
});
