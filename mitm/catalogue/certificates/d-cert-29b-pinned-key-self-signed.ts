import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { requirePins, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-29b",
  title: "the pinned key in a self-signed certificate",
  transports: bothTransports,
  defeats: "pin-replaces-chain",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §6.1.3 (a)(1)", "RFC 7469 §2.6"], [296]),
  async run(lab) {
    requirePins(lab);
    const name = "a self-signed certificate with the pinned key";
    return show(lab, await lab.forge.gateway({ name, issuer: null }));
  },
});
