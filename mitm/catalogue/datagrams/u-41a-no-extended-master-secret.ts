import { gatewayAttack } from "../../attack.ts";
import { enterWith } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-41a",
  title: "a device without extended master secret",
  transports: overDtls,
  defeats: "extended-master-secret-not-required",
  severity: "low",
  reference: authentication(
    ["RFC 7627 §5.2", "RFC 7627 §4"],
    [300],
    ["Bhargavan et al., Triple Handshakes and Cookie Cutters (2014)"],
  ),
  run: (lab) => enterWith(lab, { extendedMasterSecret: false }, ["ClientHello"]),
});
