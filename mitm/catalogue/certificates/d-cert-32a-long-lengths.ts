import { deviceAttack } from "../../attack.ts";
import { resigned, withLongLength } from "../../mint/odd-der.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-32a",
  title: "a certificate whose lengths are not in DER",
  transports: bothTransports,
  defeats: "lenient-der",
  severity: "low",
  reference: certificateReference(["RFC 5280 §4.1"], [20, 436]),
  async run(lab) {
    const { issuing } = lab.forge.pki;
    const certificate = await lab.forge.gateway();
    const chain = [await resigned(certificate, issuing, withLongLength), ...issuing.chain];
    return show(lab, { ...certificate, name: "a certificate with a length of too many octets", chain });
  },
});
