import { parseCertificate } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { Issuer } from "../../mint/issuer.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-14",
  title: "a certificate that a device's certificate issued",
  transports: bothTransports,
  defeats: "any-certificate-issues",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §6.1.4 (k)", "RFC 5280 §6.1.4 (n)"], [296], ["CVE-2002-0862"]),
  async run(lab) {
    const device = await lab.forge.device({ id: "pump-2" });
    const [certificate = new Uint8Array(), ...above] = device.chain;
    const { subject: name } = parseCertificate(certificate);
    const issuer = new Issuer({ name, certificate, above, key: device.key });
    return show(lab, await lab.forge.gateway({ name: "a certificate that a device issued", issuer }));
  },
});
