import { deviceAttack } from "../../attack.ts";
import { certificateReference } from "./reference.ts";
import { showStapled } from "./stapled.ts";

export default deviceAttack({
  id: "D-CERT-26b",
  title: "an OCSP response about another certificate",
  transports: ["tls"],
  defeats: "staple-of-another-certificate",
  severity: "medium",
  reference: certificateReference(["RFC 6066 §8", "RFC 6960 §3.2"], [299]),
  async run(lab) {
    const credential = await lab.forge.gateway({ name: "a revoked certificate" });
    const response = await lab.forge.ocspResponse(lab.gateway);
    return showStapled(lab, credential, response, "an OCSP response about the honest gateway");
  },
});
