import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-13a",
  title: "a certificate that does not say what it is for",
  transports: bothTransports,
  defeats: "missing-purpose-accepted",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §4.2.1.12"], [295]),
  async run(lab) {
    const credential = await lab.forge.gateway({
      name: "a certificate without a purpose",
      without: ["extendedKeyUsage"],
    });
    return show(lab, credential);
  },
});
