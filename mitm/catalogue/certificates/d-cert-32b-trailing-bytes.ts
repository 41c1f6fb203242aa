import { deviceAttack } from "../../attack.ts";
import { bothTransports, certificateReference } from "./reference.ts";
import { show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-32b",
  title: "a certificate with bytes behind its end",
  transports: bothTransports,
  defeats: "lenient-der",
  severity: "low",
  reference: certificateReference(["RFC 5280 §4.1", "RFC 8446 §4.4.2"], [20]),
  async run(lab) {
    const certificate = await lab.forge.gateway();
    const [leaf = new Uint8Array(), ...above] = certificate.chain;
    const chain = [Buffer.concat([leaf, Buffer.from("0403626164", "hex")]), ...above];
    return show(lab, { ...certificate, name: "a certificate with trailing bytes", chain });
  },
});
