import { gatewayAttack } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { requireTls12 } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-11e",
  title: "another device's certificate, signed for with the attacker's own key, over TLS 1.2",
  transports: ["tls"],
  defeats: "certificate-verify-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 5246 §7.4.8"],
    cwe: [347],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    await requireTls12(lab);
    const { attacker, victim } = lab;
    const { chain } = victim.credential;
    const stolen = { name: "a stolen certificate without its key", chain, key: attacker.credential.key };
    const tls = { versions: ["TLS 1.2"] } as const;
    return lab.judge(await lab.enter(stolen, { clientId: clientIdOf(victim), tls }));
  },
});
