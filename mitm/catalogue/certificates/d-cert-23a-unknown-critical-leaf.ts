import { deviceAttack } from "../../attack.ts";
import { rawExtension } from "../../mint/certificate.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-23a",
  title: "a critical extension that nobody knows",
  transports: bothTransports,
  defeats: "unknown-critical-accepted",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §4.2"], [295]),
  async run(lab) {
    const extensions = [rawExtension("1.3.6.1.4.1.55555.1", true)];
    return show(
      lab,
      await lab.forge.gateway({ name: "a certificate with an unknown critical extension", extensions }),
    );
  },
});
