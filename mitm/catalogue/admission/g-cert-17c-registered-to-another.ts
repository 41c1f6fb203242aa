import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { leafOf } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-17c",
  title: "a certificate with another device's name that is registered as the attacker's",
  transports: ["tls", "dtls"],
  defeats: "registration-by-name",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §4.2.1.6"],
    cwe: [290, 639],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim, forge, target } = lab;
    if (target.register === undefined)
      throw new NotApplicable("the target has no inventory that the lab can reach");
    const credential = await forge.device({ id: victim.deviceId });
    await target.register(leafOf(credential), attacker.deviceId);
    return lab.judge(await lab.enter(credential, { clientId: clientIdOf(victim) }));
  },
});
