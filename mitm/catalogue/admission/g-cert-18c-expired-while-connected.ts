import { gatewayAttack } from "../../attack.ts";
import { leafOf } from "./registered.ts";
import { endOfSession, openSession } from "./session.ts";

/** Long enough for a handshake. */
const lifeMs = 1_000;

export default gatewayAttack({
  id: "G-CERT-18c",
  title: "a certificate that expires while its session is open",
  transports: ["tls", "dtls"],
  defeats: "expiry-at-admission-only",
  severity: "medium",
  reference: {
    rfc: ["RFC 5280 §4.1.2.5"],
    cwe: [613, 298],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { forge, target } = lab;
    const deviceId = lab.attacker.deviceId;
    // Whole seconds: a certificate has no others.
    const notAfter = new Date(Math.ceil((Date.now() + lifeMs) / 1_000) * 1_000);
    const credential = await forge.device({ id: deviceId, notAfter });
    await target.register?.(leafOf(credential), deviceId);
    const end = await openSession(lab, { deviceId, credential });
    return endOfSession(lab, end, "its certificate expired", notAfter.getTime() - Date.now());
  },
});
