import { gatewayAttack } from "../../attack.ts";
import { enterMisnamed } from "./misnamed.ts";

export default gatewayAttack({
  id: "G-CERT-16a",
  title: "a certificate with another device's id in its common name and no other name",
  transports: ["tls", "dtls"],
  defeats: "identity-from-common-name",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §4.1.2.6", "RFC 5280 §4.2.1.6"],
    cwe: [290],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  run: (lab) => enterMisnamed(lab, (commonName) => ({ commonName })),
});
