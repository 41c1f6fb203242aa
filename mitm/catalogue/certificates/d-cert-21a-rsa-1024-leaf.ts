import { deviceAttack } from "../../attack.ts";
import { spareKeys } from "../../mint/algorithms.ts";
import { certificateReference } from "./reference.ts";
import { pinnedKey, show } from "./shown.ts";

export default deviceAttack({
  id: "D-CERT-21a",
  title: "a certificate for an RSA key of 1024 bits",
  transports: ["tls"],
  defeats: "weak-key-accepted",
  severity: "high",
  reference: certificateReference(["RFC 9325 §4"], [326], ["NIST SP 800-131A"]),
  async run(lab) {
    const key = pinnedKey(lab, (await spareKeys()).rsa1024);
    return show(lab, await lab.forge.gateway({ name: "a certificate for an RSA-1024 key", key }));
  },
});
