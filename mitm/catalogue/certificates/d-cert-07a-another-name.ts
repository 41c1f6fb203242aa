import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-07a",
  title: "a good certificate of another server",
  transports: bothTransports,
  defeats: "ignores-server-name",
  severity: "critical",
  reference: certificateReference(["RFC 9525 §6", "RFC 5280 §4.2.1.6"], [297]),
  async run(lab) {
    const credential = await lab.forge.gateway({
      name: "a certificate of another server",
      names: ["elsewhere.example"],
    });
    return show(lab, credential);
  },
});
