import { deviceAttack } from "../../attack.ts";
import { newKey } from "../../mint/algorithms.ts";
import { certificateReference } from "./reference.ts";
import { requireVersion } from "./versions.ts";

export default deviceAttack({
  id: "D-CERT-33a",
  title: "the gateway's certificate without its key, over TLS 1.3",
  transports: ["tls"],
  defeats: "certificate-verify-not-verified",
  severity: "critical",
  reference: certificateReference(["RFC 8446 §4.4.3"], [347, 322]),
  async run(lab) {
    const key = await newKey("p256");
    const credential = { name: "the gateway's certificate without its key", chain: lab.gateway.chain, key };
    const tls = { versions: ["TLS 1.3"] } as const;
    await requireVersion(lab, tls);
    return lab.judge(await lab.serve(credential, { tls, marks: ["CertificateVerify"] }));
  },
});
