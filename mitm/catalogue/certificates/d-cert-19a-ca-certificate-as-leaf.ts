import { makeExtension } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-19a",
  title: "a CA's certificate as that of the gateway",
  transports: bothTransports,
  defeats: "leaf-is-ca-accepted",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §4.2.1.9"], [295]),
  async run(lab) {
    const extensions = [
      makeExtension.basicConstraints({ ca: true }),
      makeExtension.keyUsage("digitalSignature", "keyCertSign"),
    ];
    // Below a CA that may issue another one.
    const issuer = await lab.forge.ca();
    return show(lab, await lab.forge.gateway({ name: "a CA's certificate", extensions, issuer }));
  },
});
