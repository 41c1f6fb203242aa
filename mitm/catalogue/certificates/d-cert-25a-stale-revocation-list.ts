import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { rootList, showUnder } from "./revoked.ts";
import { hoursFromNow } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-25a",
  title: "a revocation list past its time, in place of one that names the certificate",
  transports: bothTransports,
  defeats: "stale-revocation-list-accepted",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §5.1.2.5", "RFC 5280 §6.3.3"], [299]),
  async run(lab) {
    const times = { thisUpdate: hoursFromNow(-48), nextUpdate: hoursFromNow(-24) };
    const lists = [await lab.forge.revocationList(times), await rootList(lab)];
    return showUnder(lab, await lab.forge.gateway({ name: "a certificate revoked since" }), lists);
  },
});
