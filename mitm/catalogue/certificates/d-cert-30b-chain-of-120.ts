import { deviceAttack } from "../../attack.ts";
import { certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-30b",
  title: "a chain of 120 certificates",
  // Over DTLS the bound on a handshake message comes first.
  transports: ["tls"],
  defeats: "unbounded-chain",
  severity: "low",
  reference: certificateReference(["RFC 8446 §4.4.2"], [400, 770]),
  async run(lab) {
    let issuer = await lab.forge.ca();
    while (issuer.chain.length < 119) issuer = await lab.forge.ca({ issuer });
    return show(lab, await lab.forge.gateway({ name: "a chain of 120 certificates", issuer }));
  },
});
