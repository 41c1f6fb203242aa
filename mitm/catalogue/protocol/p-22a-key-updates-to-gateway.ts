import { gatewayAttack } from "../../attack.ts";
import { floodOfKeyUpdates, sessionWithGateway } from "./key-updates.ts";

export default gatewayAttack({
  id: "P-22a",
  title: "a flood of KeyUpdates that ask for one each, to the gateway",
  transports: ["tls"],
  defeats: "flood-unbounded",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §4.6.3"],
    cwe: [400, 770],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  run: (lab) => floodOfKeyUpdates(lab, sessionWithGateway),
});
