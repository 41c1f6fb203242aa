import { gatewayAttack } from "../../attack.ts";

export default gatewayAttack({
  id: "G-CERT-01",
  title: "no certificate",
  transports: ["tls", "dtls"],
  defeats: "client-certificate-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.2.4", "RFC 5246 §7.4.6"],
    cwe: [306],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  run: async (lab) => lab.judge(await lab.enter(undefined)),
});
