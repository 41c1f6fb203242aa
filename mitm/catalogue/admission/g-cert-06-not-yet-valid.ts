import { gatewayAttack } from "../../attack.ts";
import { enterRegistered } from "./registered.ts";

const hour = 3_600_000;

export default gatewayAttack({
  id: "G-CERT-06",
  title: "a certificate that is not valid yet",
  transports: ["tls", "dtls"],
  defeats: "ignores-not-before",
  severity: "medium",
  reference: {
    rfc: ["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3"],
    cwe: [298],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const now = Date.now();
    // Within the hour: a real CA signs for the lab no longer than that.
    const life = { notBefore: new Date(now + hour / 2), notAfter: new Date(now + hour - 60_000) };
    return enterRegistered(lab, await lab.forge.device({ id: lab.attacker.deviceId, ...life }));
  },
});
