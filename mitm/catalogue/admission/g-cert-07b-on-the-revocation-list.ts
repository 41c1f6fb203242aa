import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { enterRegistered } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-07b",
  title: "a certificate on the revocation list of its CA",
  transports: ["tls", "dtls"],
  defeats: "revocation-ignored",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §6.3.3"],
    cwe: [299],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, forge, target } = lab;
    if (target.knowsRevocation !== true) {
      throw new NotApplicable("the target was not given the revocation lists of the lab's CA");
    }
    const serialNumber = forge.pki.revokedSerialNumber;
    return enterRegistered(lab, await forge.device({ id: attacker.deviceId, serialNumber }));
  },
});
