import { deviceAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { requireLists, showUnder } from "./revoked.ts";

export default deviceAttack({
  id: "D-CERT-24b",
  title: "a certificate of a CA that was revoked",
  transports: bothTransports,
  defeats: "revocation-of-leaf-only",
  severity: "high",
  reference: certificateReference(["RFC 5280 §6.3", "RFC 5280 §6.1.3 (a)(3)"], [299]),
  async run(lab) {
    requireLists(lab);
    const { forge } = lab;
    const issuer = await forge.ca({ pathLenConstraint: 0 });
    const { root } = forge.pki;
    if (root === undefined)
      throw new NotApplicable("the root is not in the lab, so it signs no revocation list");
    return showUnder(lab, await forge.gateway({ name: "a certificate of a revoked CA", issuer }), [
      await forge.revocationList({ issuer }),
      await forge.revocationList({ issuer: root, revoked: [issuer.certificate] }),
    ]);
  },
});
