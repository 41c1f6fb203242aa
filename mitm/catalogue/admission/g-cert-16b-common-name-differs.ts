import { gatewayAttack } from "../../attack.ts";
import { enterAsAnother } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-16b",
  title: "the attacker's own name, and another device's id in the common name",
  transports: ["tls"],
  defeats: "identity-from-common-name",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §4.1.2.6", "RFC 5280 §4.2.1.6"],
    cwe: [290],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim, forge } = lab;
    const subject = { CN: victim.deviceId };
    return enterAsAnother(lab, await forge.device({ id: attacker.deviceId, subject }));
  },
});
