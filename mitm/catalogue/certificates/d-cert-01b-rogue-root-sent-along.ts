import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-01b",
  title: "a chain of another root, which is sent along",
  transports: bothTransports,
  defeats: "trusts-any-root",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §6.1.1 (d)", "RFC 8446 §4.4.2"], [296, 295]),
  async run(lab) {
    const root = await lab.forge.rogueRoot({ subject: { O: "Somebody else", CN: "Another root" } });
    const issuer = await lab.forge.ca({ issuer: root, pathLenConstraint: 0 });
    return show(lab, await lab.forge.gateway({ name: "a certificate of another root", issuer }));
  },
});
