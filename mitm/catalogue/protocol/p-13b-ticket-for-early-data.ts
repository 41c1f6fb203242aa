import { broken, gatewayAttack, held } from "../../attack.ts";
import { sessionOf } from "./ticket.ts";

export default gatewayAttack({
  id: "P-13b",
  title: "a ticket that may be used for early data",
  transports: ["tls"],
  defeats: "early-data-accepted",
  severity: "medium",
  reference: {
    rfc: ["RFC 8446 §4.6.1", "RFC 8446 §8"],
    cwe: [294],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const session = await sessionOf(lab, "TLS 1.3");
    lab.recorder.receipt("the target gave a ticket over TLS 1.3");
    return session.maxEarlyData > 0
      ? broken(`the ticket allows ${session.maxEarlyData} bytes of early data`)
      : held("the ticket allows no early data");
  },
});
