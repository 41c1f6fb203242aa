import { makeExtension } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { resigned, withExtension } from "../../mint/odd-der.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { dnsName, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-32c",
  title: "a certificate with two subjectAltName extensions",
  transports: bothTransports,
  defeats: "duplicate-extension-accepted",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §4.2"], [20, 436]),
  async run(lab) {
    const { issuing } = lab.forge.pki;
    const certificate = await lab.forge.gateway();
    const second = makeExtension.subjectAltName([dnsName("elsewhere.example")]);
    const chain = [await resigned(certificate, issuing, withExtension(second)), ...issuing.chain];
    return show(lab, { ...certificate, name: "a certificate with two lists of names", chain });
  },
});
