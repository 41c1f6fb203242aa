import { makeExtension } from "../../../pki/index.ts";
import { gatewayAttack } from "../../attack.ts";
import { enterRegistered } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-09",
  title: "a certificate of a CA that is bound to other names",
  transports: ["tls", "dtls"],
  defeats: "name-constraints-ignored",
  severity: "high",
  reference: {
    rfc: ["RFC 5280 §4.2.1.10", "RFC 5280 §6.1.3"],
    cwe: [295],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const constraint = makeExtension.nameConstraints({
      permittedSubtrees: [{ type: "uniformResourceIdentifier", value: "plant.example" }],
      excludedSubtrees: [],
    });
    const issuer = await lab.forge.ca({ pathLenConstraint: 0, extensions: [constraint] });
    return enterRegistered(lab, await lab.forge.device({ id: lab.attacker.deviceId, issuer }));
  },
});
