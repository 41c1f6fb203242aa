import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { requirePins, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-27a",
  title: "a good certificate of the right CA for another key",
  transports: bothTransports,
  defeats: "pin-not-checked",
  severity: "high",
  reference: certificateReference(["RFC 7469 §2.6"], [295]),
  async run(lab) {
    requirePins(lab);
    return show(lab, await lab.forge.gateway({ name: "a mis-issued certificate", key: "p256" }));
  },
});
