import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-21b",
  title: "a certificate of a CA with an RSA key of 1024 bits",
  transports: bothTransports,
  defeats: "weak-key-accepted",
  severity: "high",
  reference: certificateReference(["RFC 9325 §4"], [326], ["NIST SP 800-131A"]),
  async run(lab) {
    const issuer = await lab.forge.ca({ key: "rsa:1024" });
    return show(lab, await lab.forge.gateway({ name: "a certificate of an RSA-1024 CA", issuer }));
  },
});
