import { gatewayAttack } from "../../attack.ts";
import { suites12 } from "../../tls/suites.ts";
import { comeBack, sessionOf } from "./ticket.ts";

export default gatewayAttack({
  id: "P-11d",
  title: "a ticket in a hello without the suite of its session, in TLS 1.2",
  transports: ["tls"],
  defeats: "resumption-changes-suite",
  severity: "low",
  reference: {
    rfc: ["RFC 5246 §7.4.1.2"],
    cwe: [757],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const session = await sessionOf(lab, "TLS 1.2");
    const cipherSuites = suites12.map(({ id }) => id).filter((id) => id !== session.cipherSuite);
    return lab.judge(await comeBack(lab, session, { cipherSuites }));
  },
});
