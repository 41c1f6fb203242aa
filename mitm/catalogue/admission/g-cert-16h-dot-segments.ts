import { gatewayAttack } from "../../attack.ts";
import { enterMisnamed, rawUri, uriOf } from "./misnamed.ts";

export default gatewayAttack({
  id: "G-CERT-16h",
  title: "a certificate whose name leads to another device's by dot segments",
  transports: ["tls", "dtls"],
  defeats: "identity-path-resolved",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §4.2.1.6", "RFC 3986 §6.2.2.3"],
    cwe: [290, 41],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  run: (lab) =>
    enterMisnamed(lab, (id, domain) => ({ subjectAltName: rawUri(uriOf(`attacker/../${id}`, domain)) })),
});
