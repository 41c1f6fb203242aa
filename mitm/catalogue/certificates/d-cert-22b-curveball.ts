import { parseCertificate } from "../../../pki/index.ts";
import { deviceAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { keyOnACurveOfOnesOwn } from "../../mint/explicit-curve.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-22b",
  title: "the trusted root's key on a curve of the attacker's",
  transports: bothTransports,
  defeats: "explicit-curve-accepted",
  severity: "critical",
  reference: certificateReference(["RFC 5480 §2.1.1"], [295, 347], ["CVE-2020-0601"]),
  async run(lab) {
    const [anchor] = lab.forge.pki.anchors;
    const { subject, subjectPublicKeyInfo } = parseCertificate(anchor ?? new Uint8Array());
    const key = keyOnACurveOfOnesOwn(subjectPublicKeyInfo);
    if (key === undefined) throw new NotApplicable("the trusted root has no key on P-256");
    const issuer = await lab.forge.rogueRoot({ subject, key });
    return show(lab, await lab.forge.gateway({ name: "a certificate of a root on another curve", issuer }));
  },
});
