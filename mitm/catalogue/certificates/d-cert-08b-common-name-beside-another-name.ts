import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-08b",
  title: "the right common name beside the name of another server",
  transports: bothTransports,
  defeats: "common-name-accepted",
  severity: "high",
  reference: certificateReference(["RFC 9525 §2", "RFC 9525 §6.3"], [297]),
  async run(lab) {
    const [CN = ""] = lab.target.serverNames;
    const name = "a certificate of another server with the right common name";
    return show(lab, await lab.forge.gateway({ name, subject: { CN }, names: ["elsewhere.example"] }));
  },
});
