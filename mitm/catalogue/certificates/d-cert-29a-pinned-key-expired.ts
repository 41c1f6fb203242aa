import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { hoursFromNow, requirePins, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-29a",
  title: "the pinned key in an expired certificate",
  transports: bothTransports,
  defeats: "pin-replaces-validity",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §6.1.3 (a)(2)", "RFC 7469 §2.6"], [298]),
  async run(lab) {
    requirePins(lab);
    const times = { notBefore: hoursFromNow(-2), notAfter: hoursFromNow(-1) };
    return show(
      lab,
      await lab.forge.gateway({ name: "an expired certificate with the pinned key", ...times }),
    );
  },
});
