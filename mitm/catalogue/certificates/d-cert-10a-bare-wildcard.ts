import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { dnsNameOf, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-10a",
  title: "a certificate for every name there is",
  transports: bothTransports,
  defeats: "bare-wildcard-accepted",
  severity: "high",
  reference: certificateReference(["RFC 9525 §6.3"], [297]),
  async run(lab) {
    dnsNameOf(lab);
    return show(lab, await lab.forge.gateway({ name: "a certificate for *", names: ["*"] }));
  },
});
