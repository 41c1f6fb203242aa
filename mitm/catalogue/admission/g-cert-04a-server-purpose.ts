import { ExtendedKeyUsage, makeExtension } from "../../../pki/index.ts";
import { gatewayAttack } from "../../attack.ts";
import { enterRegistered } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-04a",
  title: "a certificate for servers alone, as a gateway has it",
  transports: ["tls", "dtls"],
  defeats: "purpose-not-checked",
  severity: "high",
  reference: {
    rfc: ["RFC 5280 §4.2.1.12"],
    cwe: [295],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const extensions = [makeExtension.extendedKeyUsage(ExtendedKeyUsage.serverAuth)];
    return enterRegistered(lab, await lab.forge.device({ id: lab.attacker.deviceId, extensions }));
  },
});
