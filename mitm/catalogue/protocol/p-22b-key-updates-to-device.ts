import { deviceAttack } from "../../attack.ts";
import { floodOfKeyUpdates, sessionWithDevice } from "./key-updates.ts";

export default deviceAttack({
  id: "P-22b",
  title: "a flood of KeyUpdates that ask for one each, to the device",
  transports: ["tls"],
  defeats: "flood-unbounded",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §4.6.3"],
    cwe: [400, 770],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  run: (lab) => floodOfKeyUpdates(lab, sessionWithDevice),
});
