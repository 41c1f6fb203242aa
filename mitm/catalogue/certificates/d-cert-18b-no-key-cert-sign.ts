import { makeExtension } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-18b",
  title: "a certificate of a CA whose key is for other things",
  transports: bothTransports,
  defeats: "ca-key-usage-not-checked",
  severity: "high",
  reference: certificateReference(["RFC 5280 §4.2.1.3", "RFC 5280 §6.1.4 (n)"], [296]),
  async run(lab) {
    const extensions = [makeExtension.keyUsage("digitalSignature", "cRLSign")];
    const issuer = await lab.forge.ca({ extensions });
    return show(lab, await lab.forge.gateway({ name: "a certificate of a CA without keyCertSign", issuer }));
  },
});
