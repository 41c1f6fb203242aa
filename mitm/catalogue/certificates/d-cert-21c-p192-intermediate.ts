import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-21c",
  title: "a certificate of a CA with a key on P-192",
  transports: bothTransports,
  defeats: "weak-key-accepted",
  severity: "medium",
  reference: certificateReference(["RFC 9325 §4"], [326], ["NIST SP 800-131A"]),
  async run(lab) {
    const issuer = await lab.forge.ca({ key: "p192" });
    return show(lab, await lab.forge.gateway({ name: "a certificate of a P-192 CA", issuer }));
  },
});
