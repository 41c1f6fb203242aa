import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-20a",
  title: "a certificate signed with SHA-1",
  transports: bothTransports,
  defeats: "weak-signature-accepted",
  severity: "high",
  reference: certificateReference(
    ["RFC 8446 §4.4.2.4"],
    [327, 328],
    ["CA/Browser Forum Baseline Requirements §7.1.3.2"],
  ),
  async run(lab) {
    const credential = await lab.forge.gateway({
      name: "a certificate signed with SHA-1",
      signature: "ecdsa-sha1",
    });
    return show(lab, credential);
  },
});
