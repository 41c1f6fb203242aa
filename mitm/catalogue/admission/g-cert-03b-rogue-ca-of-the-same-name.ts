import { parseCertificate } from "../../../pki/index.ts";
import { gatewayAttack } from "../../attack.ts";
import { enterRegistered, leafOf } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-03b",
  title: "a certificate of a rogue CA with the name of the real one",
  transports: ["tls", "dtls"],
  defeats: "chain-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §6.1.3"],
    cwe: [295, 296],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const forge = await lab.strangers();
    const { issuer: subject } = parseCertificate(leafOf(lab.attacker.credential));
    const issuer = await forge.rogueIssuing({ subject });
    // Without the rogue root: a target that takes whatever root it is sent is another matter.
    const credential = await forge.device({ id: lab.attacker.deviceId, issuer });
    return enterRegistered(lab, { ...credential, chain: credential.chain.slice(0, 2) });
  },
});
