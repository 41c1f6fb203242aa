import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { dnsNameOf, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-07b",
  title: "a certificate for the right name with a domain behind it",
  transports: bothTransports,
  defeats: "name-matched-in-part",
  severity: "critical",
  reference: certificateReference(["RFC 9525 §6.3"], [297]),
  async run(lab) {
    const names = [`${dnsNameOf(lab)}.attacker.example`];
    return show(
      lab,
      await lab.forge.gateway({ name: "a certificate that begins with the right name", names }),
    );
  },
});
