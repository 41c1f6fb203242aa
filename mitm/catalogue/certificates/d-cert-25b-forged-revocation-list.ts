import { deviceAttack } from "../../attack.ts";
import { newKey } from "../../mint/algorithms.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { rootList, showUnder } from "./revoked.ts";

export default deviceAttack({
  id: "D-CERT-25b",
  title: "an empty revocation list that the attacker signed",
  transports: bothTransports,
  defeats: "revocation-list-not-verified",
  severity: "high",
  reference: certificateReference(["RFC 5280 §6.3.3 (g)"], [299, 347]),
  async run(lab) {
    const signWith = await newKey("p256");
    const lists = [await lab.forge.revocationList({ signWith }), await rootList(lab)];
    return showUnder(lab, await lab.forge.gateway({ name: "a certificate revoked since" }), lists);
  },
});
