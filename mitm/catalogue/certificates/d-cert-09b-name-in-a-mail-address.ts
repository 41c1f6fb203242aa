import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { dnsNameOf, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-09b",
  title: "the right name in a mail address",
  transports: bothTransports,
  defeats: "name-type-ignored",
  severity: "medium",
  reference: certificateReference(["RFC 9525 §6.3", "RFC 5280 §4.2.1.6"], [297]),
  async run(lab) {
    const subjectAltName = [{ type: "rfc822Name", value: `admin@${dnsNameOf(lab)}` } as const];
    return show(lab, await lab.forge.gateway({ name: "a certificate with a mail address", subjectAltName }));
  },
});
