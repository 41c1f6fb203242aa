import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-02",
  title: "a self-signed certificate with the right name",
  transports: bothTransports,
  defeats: "trusts-any-root",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §6.1.3 (a)(1)"], [295]),
  async run(lab) {
    const credential = await lab.forge.gateway({ name: "a self-signed certificate", issuer: null });
    return show(lab, credential);
  },
});
