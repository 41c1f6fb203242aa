import { deviceAttack } from "../../attack.ts";
import { newKey } from "../../mint/algorithms.ts";
import { certificateReference } from "./reference.ts";
import { showStapled } from "./stapled.ts";

export default deviceAttack({
  id: "D-CERT-26c",
  title: "an OCSP response that the attacker signed",
  transports: ["tls"],
  defeats: "staple-not-verified",
  severity: "medium",
  reference: certificateReference(["RFC 6066 §8", "RFC 6960 §3.2"], [299, 347]),
  async run(lab) {
    const credential = await lab.forge.gateway({ name: "a revoked certificate" });
    const response = await lab.forge.ocspResponse(credential, { signWith: await newKey("p256") });
    return showStapled(lab, credential, response, "an OCSP response signed by the attacker");
  },
});
