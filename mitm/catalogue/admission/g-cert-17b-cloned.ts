import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { clientIdOf } from "../../mqtt/peer.ts";

export default gatewayAttack({
  id: "G-CERT-17b",
  title: "a clone: another device's name under the right CA, in no inventory",
  transports: ["tls", "dtls"],
  defeats: "unregistered-certificate-accepted",
  severity: "high",
  reference: {
    rfc: ["RFC 5280 §4.1.2.2"],
    cwe: [290],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    if (lab.forge.pki.origin === "real") {
      throw new NotApplicable("whatever a real CA signs for the lab is in its inventory");
    }
    const { deviceId } = lab.victim;
    const credential = await lab.forge.device({ id: deviceId, name: `a clone of ${deviceId}` });
    return lab.judge(await lab.enter(credential, { clientId: clientIdOf(lab.victim) }));
  },
});
