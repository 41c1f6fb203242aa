import { setTimeout } from "node:timers/promises";
import { gatewayAttack } from "../../attack.ts";
import { leafOf } from "../admission/registered.ts";
import { comeBack, sessionOf } from "./ticket.ts";

/** Long enough for the handshakes before it. */
const lifeMs = 1_000;

export default gatewayAttack({
  id: "P-10e",
  title: "a ticket of a certificate that has expired since, over TLS 1.3",
  transports: ["tls"],
  defeats: "resumption-not-rechecked",
  severity: "high",
  reference: {
    rfc: ["RFC 8446 §4.6.1", "RFC 5280 §4.1.2.5"],
    cwe: [613, 298],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const { deviceId } = lab.attacker;
    // Whole seconds: a certificate has no others.
    const notAfter = new Date(Math.ceil((Date.now() + lifeMs) / 1_000) * 1_000);
    const credential = await lab.forge.device({ id: deviceId, notAfter });
    await lab.target.register?.(leafOf(credential), deviceId);
    const session = await sessionOf(lab, "TLS 1.3", { deviceId, credential });
    await setTimeout(notAfter.getTime() + 1_000 - Date.now(), undefined, { signal: lab.signal });
    return lab.judge(await comeBack(lab, session));
  },
});
