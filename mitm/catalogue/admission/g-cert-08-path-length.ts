import { gatewayAttack } from "../../attack.ts";
import { enterRegistered } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-08",
  title: "a certificate of a CA below one that may have none",
  transports: ["tls", "dtls"],
  defeats: "path-length-ignored",
  severity: "high",
  reference: {
    rfc: ["RFC 5280 §4.2.1.9", "RFC 5280 §6.1.4"],
    cwe: [295],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const above = await lab.forge.ca({ pathLenConstraint: 0 });
    const issuer = await lab.forge.ca({ issuer: above });
    return enterRegistered(lab, await lab.forge.device({ id: lab.attacker.deviceId, issuer }));
  },
});
