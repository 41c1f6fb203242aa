import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { rootList, showUnder } from "./revoked.ts";

export default deviceAttack({
  id: "D-CERT-25c",
  title: "a revocation list withheld",
  transports: bothTransports,
  defeats: "revocation-fails-open",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §6.3.3"], [299, 636]),
  async run(lab) {
    return showUnder(lab, await lab.forge.gateway({ name: "a certificate revoked since" }), [
      await rootList(lab),
    ]);
  },
});
