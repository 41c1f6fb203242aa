import { gatewayAttack } from "../../attack.ts";
import { enterRegistered } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-03c",
  title: "a certificate whose chain ends in a root of the attacker's own",
  transports: ["tls", "dtls"],
  defeats: "trusts-any-root",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §6.1.1"],
    cwe: [295, 296],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const forge = await lab.strangers();
    const issuer = await forge.rogueRoot({ subject: { CN: "Root of nobody" } });
    return enterRegistered(lab, await forge.device({ id: lab.attacker.deviceId, issuer }));
  },
});
