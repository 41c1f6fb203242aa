import { parseCertificate } from "../../../pki/index.ts";
import { gatewayAttack } from "../../attack.ts";
import { Issuer } from "../../mint/issuer.ts";
import { enterRegistered, leafOf } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-10",
  title: "a certificate of another device, signed with the attacker's device key",
  transports: ["tls", "dtls"],
  defeats: "any-certificate-issues",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §6.1.4"],
    cwe: [296],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { credential } = lab.attacker;
    const issuer = new Issuer({
      name: parseCertificate(leafOf(credential)).subject,
      certificate: leafOf(credential),
      above: credential.chain.slice(1),
      key: credential.key,
    });
    const forged = await (await lab.strangers()).device({ id: lab.victim.deviceId, issuer });
    return enterRegistered(lab, forged, lab.victim);
  },
});
