import { gatewayAttack } from "../../attack.ts";
import { enterRegistered } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-04b",
  title: "a certificate that does not say what it is for",
  transports: ["tls", "dtls"],
  defeats: "missing-purpose-accepted",
  severity: "medium",
  reference: {
    rfc: ["RFC 5280 §4.2.1.12"],
    cwe: [295],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const without = ["extendedKeyUsage"] as const;
    return enterRegistered(lab, await lab.forge.device({ id: lab.attacker.deviceId, without }));
  },
});
