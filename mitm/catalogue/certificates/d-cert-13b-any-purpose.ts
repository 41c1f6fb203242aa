import { ExtendedKeyUsage, makeExtension } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-13b",
  title: "a certificate for any purpose",
  transports: bothTransports,
  defeats: "any-purpose-accepted",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §4.2.1.12"], [295]),
  async run(lab) {
    const extensions = [makeExtension.extendedKeyUsage(ExtendedKeyUsage.anyExtendedKeyUsage)];
    return show(lab, await lab.forge.gateway({ name: "a certificate for any purpose", extensions }));
  },
});
