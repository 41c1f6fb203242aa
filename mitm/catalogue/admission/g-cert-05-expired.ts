import { gatewayAttack } from "../../attack.ts";
import { enterRegistered } from "./registered.ts";

const hour = 3_600_000;

export default gatewayAttack({
  id: "G-CERT-05",
  title: "an expired certificate",
  transports: ["tls", "dtls"],
  defeats: "ignores-expiry",
  severity: "high",
  reference: {
    rfc: ["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3"],
    cwe: [298, 324],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const now = Date.now();
    const life = { notBefore: new Date(now - 2 * hour), notAfter: new Date(now - hour) };
    return enterRegistered(lab, await lab.forge.device({ id: lab.attacker.deviceId, ...life }));
  },
});
