import { keyIdentifierOf, makeExtension } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { newKey } from "../../mint/algorithms.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-30a",
  title: "an intermediate CA of the right name and key identifier, with another key",
  transports: bothTransports,
  defeats: "chain-not-verified",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §6.1.3 (a)(1)", "RFC 5280 §4.2.1.1"], [296, 347]),
  async run(lab) {
    const { forge } = lab;
    const { issuing, root } = forge.pki;
    if (root === undefined) throw new NotApplicable("the CA in use stands alone in the lab");
    const subjectKeyIdentifier = makeExtension.subjectKeyIdentifier(keyIdentifierOf(issuing.publicKeyInfo));
    const issuer = await forge.ca({
      subject: issuing.name,
      signWith: await newKey("p256"),
      extensions: [subjectKeyIdentifier],
    });
    return show(lab, await forge.gateway({ name: "a certificate of a swapped intermediate", issuer }));
  },
});
