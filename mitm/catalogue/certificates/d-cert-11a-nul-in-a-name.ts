import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { dnsName, dnsNameOf, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-11a",
  title: "the right name, a NUL, and a domain of the attacker's",
  transports: bothTransports,
  defeats: "nul-truncates-name",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §4.2.1.6", "RFC 9525 §6.3"], [158, 297], ["CVE-2009-2408"]),
  async run(lab) {
    const subjectAltName = [dnsName(`${dnsNameOf(lab)}\0.attacker.example`)];
    return show(
      lab,
      await lab.forge.gateway({ name: "a certificate with a NUL in its name", subjectAltName }),
    );
  },
});
