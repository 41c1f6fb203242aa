import { gatewayAttack } from "../../attack.ts";
import { enterRegistered } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-03a",
  title: "a certificate of another fleet's CA",
  transports: ["tls", "dtls"],
  defeats: "unknown-issuer-accepted",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §6.1.1", "RFC 5280 §6.1.3"],
    cwe: [295, 296],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const forge = await lab.strangers();
    const root = await forge.rogueRoot({ subject: { CN: "Another root" } });
    const issuer = await forge.ca({ issuer: root, subject: { CN: "Another issuing CA" } });
    // As most devices do: without the root, so that nothing but the target's own store could end the path.
    const credential = await forge.device({ id: lab.attacker.deviceId, issuer });
    return enterRegistered(lab, { ...credential, chain: credential.chain.slice(0, 2) });
  },
});
