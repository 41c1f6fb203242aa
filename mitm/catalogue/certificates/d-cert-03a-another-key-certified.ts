import { deviceAttack } from "../../attack.ts";
import { spareKeys } from "../../mint/algorithms.ts";
import { publicKeyInfoOf } from "../../mint/certificate.ts";
import { replaced } from "../../mint/odd-der.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { pinnedKey, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-03a",
  title: "the gateway's certificate with another key put into it",
  transports: bothTransports,
  defeats: "chain-not-verified",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §6.1.3 (a)(1)"], [347]),
  async run(lab) {
    const key = pinnedKey(lab, (await spareKeys()).p256);
    const [leaf = new Uint8Array(), ...above] = lab.gateway.chain;
    // Both are keys on P-256, so the other fits in without a length being changed.
    const forged = replaced(leaf, publicKeyInfoOf(lab.gateway.key), publicKeyInfoOf(key));
    return show(lab, { name: "the gateway's certificate with another key", chain: [forged, ...above], key });
  },
});
