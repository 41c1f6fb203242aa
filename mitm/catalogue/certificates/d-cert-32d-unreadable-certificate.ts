import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-32d",
  title: "a chain of a rogue CA with something unreadable in it",
  transports: bothTransports,
  defeats: "unreadable-chain-accepted",
  severity: "critical",
  reference: certificateReference(["RFC 5280 §6.1", "RFC 8446 §4.4.2.4"], [636, 295]),
  async run(lab) {
    const issuer = await lab.forge.rogueIssuing();
    const { chain, key } = await lab.forge.gateway({ issuer });
    // Cut off in its middle: it begins as a certificate does.
    const [leaf = new Uint8Array(), ca = new Uint8Array()] = chain;
    const name = "a certificate of a rogue CA above which the chain is unreadable";
    return show(lab, { name, chain: [leaf, ca.subarray(0, ca.length / 2)], key });
  },
});
