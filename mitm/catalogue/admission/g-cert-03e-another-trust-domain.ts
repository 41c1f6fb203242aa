import { gatewayAttack } from "../../attack.ts";
import { enterMisnamed, names, uriOf } from "./misnamed.ts";

export default gatewayAttack({
  id: "G-CERT-03e",
  title: "a certificate of a device of the same id in another trust domain",
  transports: ["tls", "dtls"],
  defeats: "foreign-trust-domain",
  severity: "high",
  reference: {
    rfc: ["RFC 5280 §4.2.1.6"],
    cwe: [290],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
    also: ["SPIFFE-ID §2.1"],
  },
  run: (lab) =>
    enterMisnamed(lab, (id, trustDomain) => {
      const value = uriOf(id, `${trustDomain}.example`);
      return { subjectAltName: names({ type: "uniformResourceIdentifier", value }) };
    }),
});
