import { gatewayAttack } from "../../attack.ts";
import { enterMisnamed, rawUri, uriOf } from "./misnamed.ts";

export default gatewayAttack({
  id: "G-CERT-16k",
  title: "a certificate with a fragment behind another device's id",
  transports: ["tls", "dtls"],
  defeats: "identity-suffix-ignored",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §4.2.1.6", "RFC 3986 §6.2.1"],
    cwe: [290],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  run: (lab) =>
    enterMisnamed(lab, (id, domain) => ({ subjectAltName: rawUri(`${uriOf(id, domain)}#attacker`) })),
});
