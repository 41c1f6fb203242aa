import { makeExtension } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-19b",
  title: "a certificate whose key is not for signing",
  transports: bothTransports,
  defeats: "leaf-key-usage-not-checked",
  severity: "low",
  reference: certificateReference(["RFC 5280 §4.2.1.3", "RFC 8446 §4.4.2.2"], [295]),
  async run(lab) {
    const extensions = [makeExtension.keyUsage("keyAgreement")];
    return show(lab, await lab.forge.gateway({ name: "a certificate for key agreement alone", extensions }));
  },
});
