import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-31c",
  title: "the gateway's certificate behind the attacker's own",
  transports: bothTransports,
  defeats: "leaf-anywhere",
  severity: "critical",
  reference: certificateReference(["RFC 8446 §4.4.2", "RFC 5246 §7.4.2"], [295, 296]),
  async run(lab) {
    const mine = await lab.forge.device({ id: "pump-2", key: "p256" });
    const name = "the attacker's own certificate with the gateway's behind it";
    return show(lab, { name, chain: [...mine.chain.slice(0, 1), ...lab.gateway.chain], key: mine.key });
  },
});
