import { deviceAttack } from "../../attack.ts";
import { invalidShares } from "./key-share.ts";
import { afterServerKeyExchange } from "./server-share.ts";

export default deviceAttack({
  id: "P-06j",
  title: `${invalidShares.offCurve.what} from the gateway, in TLS 1.2`,
  transports: ["tls"],
  defeats: "invalid-key-share",
  severity: "high",
  reference: {
    rfc: ["RFC 8422 §5.11"],
    cwe: [325, 347],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  run: (lab) => afterServerKeyExchange(lab, invalidShares.offCurve),
});
