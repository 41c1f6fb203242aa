import { gatewayAttack } from "../../attack.ts";
import { enterMisnamed, names } from "./misnamed.ts";

export default gatewayAttack({
  id: "G-CERT-16m",
  title: "a certificate with another device's id as a DNS name",
  transports: ["tls", "dtls"],
  defeats: "identity-from-any-name-type",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §4.2.1.6", "RFC 3986 §6.2.1"],
    cwe: [290],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  run: (lab) => enterMisnamed(lab, (value) => ({ subjectAltName: names({ type: "dNSName", value }) })),
});
