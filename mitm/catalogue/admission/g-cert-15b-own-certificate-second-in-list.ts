import { gatewayAttack } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { leafOf } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-15b",
  title: "another device's certificate with the attacker's own behind it in the list",
  transports: ["tls", "dtls"],
  defeats: "certificate-verify-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.2", "RFC 5246 §7.4.2"],
    cwe: [290, 347],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim } = lab;
    const chain = [...victim.credential.chain, leafOf(attacker.credential)];
    const mixed = { name: "two certificates in one list", chain, key: attacker.credential.key };
    return lab.judge(await lab.enter(mixed, { clientId: clientIdOf(victim) }));
  },
});
