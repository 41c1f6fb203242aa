import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { withoutExtendedMasterSecret } from "./extended-master-secret.ts";
import { comeBack, sessionOf } from "./ticket.ts";

export default gatewayAttack({
  id: "P-12a",
  title: "a session with extended_master_secret, resumed without it",
  transports: ["tls"],
  defeats: "resumption-changes-extended-master-secret",
  severity: "high",
  reference: {
    rfc: ["RFC 7627 §5.3"],
    cwe: [287, 300],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["Triple Handshakes, IEEE S&P 2014"],
  },
  async run(lab) {
    const session = await sessionOf(lab, "TLS 1.2");
    if (!session.extendedMasterSecret) throw new NotApplicable("the target knows no extended_master_secret");
    return lab.judge(await comeBack(lab, session, { outgoing: withoutExtendedMasterSecret }));
  },
});
