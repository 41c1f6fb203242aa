import { deviceAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { showUnder } from "./revoked.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-24a",
  title: "a certificate that its CA has revoked",
  transports: bothTransports,
  defeats: "revocation-ignored",
  severity: "high",
  reference: certificateReference(["RFC 5280 §6.3", "RFC 5280 §6.1.3 (a)(3)"], [299]),
  async run(lab) {
    if (!lab.target.knowsRevocation) throw new NotApplicable("the device knows of no revocation");
    const { forge, target } = lab;
    const serialNumber = forge.pki.revokedSerialNumber;
    const credential = await forge.gateway({ name: "a revoked certificate", serialNumber });
    // A device on the bench holds the lab's lists; one that dials on command is given them.
    if (target.takesRevocationLists !== true) return show(lab, credential);
    return showUnder(lab, credential, await forge.pki.revocationLists());
  },
});
