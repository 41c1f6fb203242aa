import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-20b",
  title: "a certificate signed with MD5",
  transports: bothTransports,
  defeats: "weak-signature-accepted",
  severity: "high",
  reference: certificateReference(["RFC 8446 §4.4.2.4"], [327, 328], ["CVE-2004-2761"]),
  async run(lab) {
    const issuer = await lab.forge.ca({ key: "rsa:2048" });
    const name = "a certificate signed with MD5";
    return show(lab, await lab.forge.gateway({ name, issuer, signature: "rsa-md5" }));
  },
});
