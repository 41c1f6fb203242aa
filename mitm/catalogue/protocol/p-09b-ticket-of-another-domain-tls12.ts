import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { TlsClient } from "../../tls/client.ts";
import { requireVersion } from "./at-version.ts";
import { comeBack, ticketOf } from "./ticket.ts";

export default gatewayAttack({
  id: "P-09b",
  title: "a ticket that another trust domain of the gateway gave, over TLS 1.2",
  transports: ["tls"],
  defeats: "ticket-domain-not-checked",
  severity: "critical",
  reference: {
    rfc: ["RFC 5077 §5.6", "RFC 9325 §3.9"],
    cwe: [287, 613],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const { sibling } = lab.target;
    if (sibling?.endpoints.tls === undefined)
      throw new NotApplicable("the target has no listener of another trust domain");
    await requireVersion(lab, "TLS 1.2");
    const client = await TlsClient.connect(sibling.endpoints.tls, {
      recorder: lab.recorder,
      self: "lab",
      peer: "gateway",
      tolerates: "everything",
      answerMs: lab.patience.answerMs,
      versions: ["TLS 1.2"],
      serverName: sibling.serverName,
      credential: sibling.attacker.credential,
    });
    lab.defer(() => client.destroy());
    const session = await ticketOf(lab, client, sibling.attacker.deviceId);
    if (session === undefined) throw new NotApplicable("the other listener gives no tickets over TLS 1.2");
    return lab.judge(await comeBack(lab, session));
  },
});
