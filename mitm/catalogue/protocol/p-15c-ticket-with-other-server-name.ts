import { broken, gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { comeBack, sessionOf } from "./ticket.ts";

export default gatewayAttack({
  id: "P-15c",
  title: "a ticket under another server name, in TLS 1.2",
  transports: ["tls"],
  defeats: "ticket-server-name-not-checked",
  severity: "low",
  reference: {
    rfc: ["RFC 6066 §3"],
    cwe: [290],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    if (lab.target.serverName === undefined) throw new NotApplicable("the target's name is not known");
    const session = await sessionOf(lab, "TLS 1.2");
    const entry = await comeBack(lab, session, { serverName: "another.gateway.test" });
    return entry.resumed ? broken("the session of one name was resumed under another") : lab.judge(entry);
  },
});
