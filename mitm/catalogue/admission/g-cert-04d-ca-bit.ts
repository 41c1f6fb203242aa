import { makeExtension } from "../../../pki/index.ts";
import { gatewayAttack } from "../../attack.ts";
import { enterRegistered } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-04d",
  title: "a device certificate with the CA bit",
  transports: ["tls", "dtls"],
  defeats: "leaf-is-ca-accepted",
  severity: "medium",
  reference: {
    rfc: ["RFC 5280 §4.2.1.9", "RFC 5280 §4.2.1.3"],
    cwe: [295, 269],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const extensions = [
      makeExtension.basicConstraints({ ca: true }),
      makeExtension.keyUsage("digitalSignature", "keyCertSign"),
    ];
    return enterRegistered(lab, await lab.forge.device({ id: lab.attacker.deviceId, extensions }));
  },
});
