import { deviceAttack } from "../../attack.ts";
import { newKey } from "../../mint/algorithms.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { requireVersion } from "./versions.ts";

export default deviceAttack({
  id: "D-CERT-33b",
  title: "the gateway's certificate without its key, over TLS 1.2 and DTLS 1.2",
  transports: bothTransports,
  defeats: "server-key-exchange-not-verified",
  severity: "critical",
  reference: certificateReference(["RFC 5246 §7.4.3", "RFC 8422 §5.4"], [347, 322]),
  async run(lab) {
    const key = await newKey("p256");
    const credential = { name: "the gateway's certificate without its key", chain: lab.gateway.chain, key };
    const tls = { versions: ["TLS 1.2"] } as const;
    await requireVersion(lab, tls);
    return lab.judge(await lab.serve(credential, { tls, marks: ["ServerKeyExchange"] }));
  },
});
