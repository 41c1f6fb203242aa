import { parseCertificate } from "../../../pki/index.ts";
import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { leafOf } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-17d",
  title: "another device's name and serial number under another trusted CA",
  transports: ["tls", "dtls"],
  defeats: "registration-by-serial-number",
  severity: "high",
  reference: {
    rfc: ["RFC 5280 §4.1.2.2"],
    cwe: [290, 694],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { forge, victim } = lab;
    if (forge.pki.origin === "real") {
      throw new NotApplicable("whatever a real CA signs for the lab is in its inventory");
    }
    const clone = await forge.device({ id: victim.deviceId });
    const { admitted } = await lab.enter(clone, { clientId: clientIdOf(victim), marks: [] });
    if (admitted)
      throw new NotApplicable("the target goes by no inventory: it let in a certificate that is in none");
    const { serialNumber } = parseCertificate(leafOf(victim.credential));
    const issuer = await forge.ca({ pathLenConstraint: 0 });
    const credential = await forge.device({ id: victim.deviceId, issuer, serialNumber });
    return lab.judge(await lab.enter(credential, { clientId: clientIdOf(victim) }));
  },
});
