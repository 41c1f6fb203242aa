import { deviceAttack } from "../../attack.ts";
import { serveWith } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-41b",
  title: "a gateway without extended master secret",
  transports: overDtls,
  defeats: "extended-master-secret-not-required",
  severity: "low",
  reference: authentication(
    ["RFC 7627 §5.2", "RFC 7627 §4"],
    [300],
    ["Bhargavan et al., Triple Handshakes and Cookie Cutters (2014)"],
  ),
  run: (lab) => serveWith(lab, { extendedMasterSecret: false }, ["ServerHello"]),
});
