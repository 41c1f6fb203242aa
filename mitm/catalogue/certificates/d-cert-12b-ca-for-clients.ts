import { ExtendedKeyUsage, makeExtension } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-12b",
  title: "a certificate of a CA that is for devices alone",
  transports: bothTransports,
  defeats: "ca-purpose-ignored",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §4.2.1.12"], [295]),
  async run(lab) {
    const extensions = [makeExtension.extendedKeyUsage(ExtendedKeyUsage.clientAuth)];
    const issuer = await lab.forge.ca({ pathLenConstraint: 0, extensions });
    return show(lab, await lab.forge.gateway({ name: "a certificate of the devices' CA", issuer }));
  },
});
