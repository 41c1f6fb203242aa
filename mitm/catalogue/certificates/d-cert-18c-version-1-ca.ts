import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-18c",
  title: "a certificate of a CA of X.509 version 1",
  transports: bothTransports,
  defeats: "version-1-ca-accepted",
  severity: "high",
  reference: certificateReference(["RFC 5280 §6.1.4 (k)"], [296]),
  async run(lab) {
    const issuer = await lab.forge.ca({ version: 1 });
    return show(lab, await lab.forge.gateway({ name: "a certificate of a version 1 CA", issuer }));
  },
});
