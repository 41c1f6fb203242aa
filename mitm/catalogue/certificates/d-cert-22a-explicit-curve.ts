import { deviceAttack } from "../../attack.ts";
import { newKey } from "../../mint/algorithms.ts";
import { publicKeyInfoOf } from "../../mint/certificate.ts";
import { explicitP256 } from "../../mint/explicit-curve.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-22a",
  title: "a certificate of a CA that describes its curve instead of naming it",
  transports: bothTransports,
  defeats: "explicit-curve-accepted",
  severity: "medium",
  reference: certificateReference(["RFC 5480 §2.1.1"], [295, 347]),
  async run(lab) {
    const key = await newKey("p256");
    const subjectPublicKeyInfo = explicitP256(publicKeyInfoOf(key));
    const issuer = await lab.forge.ca({ key, subjectPublicKeyInfo });
    return show(
      lab,
      await lab.forge.gateway({ name: "a certificate of a CA with explicit parameters", issuer }),
    );
  },
});
