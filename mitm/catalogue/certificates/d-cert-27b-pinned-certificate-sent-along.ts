import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { requirePins, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-27b",
  title: "a mis-issued certificate, with the pinned one sent along",
  transports: bothTransports,
  defeats: "pin-of-unused-certificate",
  severity: "high",
  reference: certificateReference(["RFC 7469 §2.6"], [295], ["CVE-2016-2402"]),
  async run(lab) {
    requirePins(lab);
    const { chain, key } = await lab.forge.gateway({ key: "p256" });
    const name = "a mis-issued certificate with the pinned one behind it";
    return show(lab, { name, chain: [...chain, ...lab.gateway.chain.slice(0, 1)], key });
  },
});
