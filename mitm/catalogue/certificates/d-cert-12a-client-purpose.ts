import { ExtendedKeyUsage, makeExtension } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-12a",
  title: "a certificate for clients, as devices have them, shown by a server",
  transports: bothTransports,
  defeats: "purpose-not-checked",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §4.2.1.12"], [295]),
  async run(lab) {
    const extensions = [makeExtension.extendedKeyUsage(ExtendedKeyUsage.clientAuth)];
    return show(lab, await lab.forge.gateway({ name: "a certificate for clients", extensions }));
  },
});
