import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { requirePins, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-28",
  title: "the pinned key in a certificate for another server",
  transports: bothTransports,
  defeats: "pin-replaces-name",
  severity: "high",
  reference: certificateReference(
    ["RFC 9525 §6", "RFC 7469 §2.6"],
    [297],
    ["Stone, Chothia, Garcia: Spinner, ACSAC 2017"],
  ),
  async run(lab) {
    requirePins(lab);
    const name = "a certificate of another server with the pinned key";
    return show(lab, await lab.forge.gateway({ name, names: ["elsewhere.example"] }));
  },
});
