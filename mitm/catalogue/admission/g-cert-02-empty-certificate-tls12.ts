import { gatewayAttack } from "../../attack.ts";
import { requireTls12 } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-02",
  title: "no certificate, over TLS 1.2",
  transports: ["tls"],
  defeats: "client-certificate-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 5246 §7.4.6"],
    cwe: [306],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    await requireTls12(lab);
    return lab.judge(await lab.enter(undefined, { tls: { versions: ["TLS 1.2"] } }));
  },
});
