import { gatewayAttack } from "../../attack.ts";
import { enterMisnamed, names, uriOf } from "./misnamed.ts";

export default gatewayAttack({
  id: "G-CERT-16l",
  title: "a certificate with the attacker's name first and another device's second",
  transports: ["tls", "dtls"],
  defeats: "identity-ambiguous",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §4.2.1.6", "RFC 3986 §6.2.1"],
    cwe: [290],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  run: (lab) =>
    enterMisnamed(lab, (id, domain) => ({
      subjectAltName: names(
        { type: "uniformResourceIdentifier", value: uriOf(lab.attacker.deviceId, domain) },
        { type: "uniformResourceIdentifier", value: uriOf(id, domain) },
      ),
    })),
});
