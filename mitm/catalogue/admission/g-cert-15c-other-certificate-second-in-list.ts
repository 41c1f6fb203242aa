import { gatewayAttack } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { leafOf, requireIdentity } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-15c",
  title: "the attacker's own certificate with another device's behind it in the list",
  transports: ["tls"],
  defeats: "identity-of-later-certificate",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.2", "RFC 5246 §7.4.2"],
    cwe: [290],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim } = lab;
    await requireIdentity(lab);
    const chain = [...attacker.credential.chain, leafOf(victim.credential)];
    const mixed = { name: "two certificates in one list", chain, key: attacker.credential.key };
    return lab.judge(await lab.enter(mixed, { clientId: clientIdOf(victim) }));
  },
});
