import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { dnsNameOf, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-10b",
  title: "a wildcard within a label",
  transports: bothTransports,
  defeats: "partial-wildcard-accepted",
  severity: "medium",
  reference: certificateReference(["RFC 9525 §6.3"], [297]),
  async run(lab) {
    const [host = "", ...domain] = dnsNameOf(lab).split(".");
    const names = [[`${host.slice(0, 1)}*${host.slice(-1)}`, ...domain].join(".")];
    return show(lab, await lab.forge.gateway({ name: `a certificate for ${names.join()}`, names }));
  },
});
