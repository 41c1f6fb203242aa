import { gatewayAttack } from "../../attack.ts";
import { afterClientKeyExchange } from "./client-key-exchange.ts";
import { invalidShares } from "./key-share.ts";

export default gatewayAttack({
  id: "P-06f",
  title: `${invalidShares.offCurve.what}, in TLS 1.2`,
  transports: ["tls"],
  defeats: "invalid-key-share",
  severity: "high",
  reference: {
    rfc: ["RFC 8422 §5.11"],
    cwe: [325, 347],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  run: (lab) => afterClientKeyExchange(lab, invalidShares.offCurve),
});
