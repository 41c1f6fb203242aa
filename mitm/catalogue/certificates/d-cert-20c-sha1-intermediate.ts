import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-20c",
  title: "a CA whose certificate is signed with SHA-1",
  transports: bothTransports,
  defeats: "weak-signature-accepted",
  severity: "high",
  reference: certificateReference(["RFC 8446 §4.4.2.4"], [327, 328]),
  async run(lab) {
    const issuer = await lab.forge.ca({ signature: "ecdsa-sha1" });
    return show(lab, await lab.forge.gateway({ name: "a certificate below a SHA-1 signature", issuer }));
  },
});
