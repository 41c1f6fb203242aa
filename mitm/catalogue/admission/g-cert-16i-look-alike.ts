import { gatewayAttack } from "../../attack.ts";
import { enterMisnamed, rawUri, uriOf } from "./misnamed.ts";

/** The full-width form of a printable ASCII character. */
function wide(letter: string): string {
  return String.fromCodePoint(letter.charCodeAt(0) + 0xfee0);
}

export default gatewayAttack({
  id: "G-CERT-16i",
  title: "a certificate with letters that look like another device's id",
  transports: ["tls", "dtls"],
  defeats: "identity-normalised",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §4.2.1.6", "RFC 3986 §2.5"],
    cwe: [290, 176],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  run: (lab) =>
    enterMisnamed(lab, (id, domain) => ({
      // Full-width forms, which NFKC makes ASCII of.
      subjectAltName: rawUri(uriOf(id.replace(/[!-~]/g, wide), domain)),
    })),
});
