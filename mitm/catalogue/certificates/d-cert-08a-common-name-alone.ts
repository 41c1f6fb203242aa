import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-08a",
  title: "the right name in the common name alone",
  transports: bothTransports,
  defeats: "common-name-accepted",
  severity: "high",
  reference: certificateReference(["RFC 9525 §2", "RFC 9525 §6.3"], [297]),
  async run(lab) {
    const [CN = ""] = lab.target.serverNames;
    const name = "a certificate with a common name alone";
    return show(lab, await lab.forge.gateway({ name, subject: { CN }, without: ["subjectAltName"] }));
  },
});
