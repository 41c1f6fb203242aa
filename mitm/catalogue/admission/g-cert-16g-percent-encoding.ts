import { gatewayAttack } from "../../attack.ts";
import { enterMisnamed, rawUri, uriOf } from "./misnamed.ts";

export default gatewayAttack({
  id: "G-CERT-16g",
  title: "a certificate with another device's id percent-encoded",
  transports: ["tls", "dtls"],
  defeats: "identity-decoded",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §4.2.1.6", "RFC 3986 §6.2.2.2"],
    cwe: [290, 177],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  run: (lab) =>
    enterMisnamed(lab, (id, domain) => ({
      subjectAltName: rawUri(uriOf(`%${Buffer.from(id.slice(0, 1)).toString("hex")}${id.slice(1)}`, domain)),
    })),
});
