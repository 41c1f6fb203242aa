import { deviceAttack } from "../../attack.ts";
import { invalidShares } from "./key-share.ts";
import { afterServerShare } from "./server-share.ts";

export default deviceAttack({
  id: "P-06g",
  title: `${invalidShares.zeros.what} from the gateway, in TLS 1.3`,
  transports: ["tls"],
  defeats: "invalid-key-share",
  severity: "high",
  reference: {
    rfc: ["RFC 8446 §4.2.8.2", "RFC 8446 §7.4.2"],
    cwe: [325, 347],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  run: (lab) => afterServerShare(lab, invalidShares.zeros),
});
