import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { refused } from "../../lab/at-gateway.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { requireIdentity } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-19",
  title: "another device's certificate after the handshake, unasked",
  transports: ["tls"],
  defeats: "post-handshake-certificate-accepted",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.6.2"],
    cwe: [290, 841],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim } = lab;
    await requireIdentity(lab);
    const end = await lab.tls({ credential: attacker.credential, versions: ["TLS 1.3"] });
    const result = await end.handshake();
    if (!result.completed)
      throw new NotApplicable(`the target does not speak TLS 1.3: ${refused(result).how}`);
    const certificate = end.tls13?.certificate(victim.credential.chain);
    if (certificate === undefined) throw new NotApplicable("the target does not speak TLS 1.3");
    end.sendHandshake(certificate, { attack: true, note: "that of another device, which nobody asked for" });
    return lab.judge(await lab.hello(end, clientIdOf(victim)));
  },
});
