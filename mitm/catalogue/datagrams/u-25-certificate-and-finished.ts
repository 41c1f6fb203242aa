import { gatewayAttack } from "../../attack.ts";
import { enterBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-25",
  title: "Certificate and Finished alone",
  transports: overDtls,
  defeats: "early-finished",
  severity: "critical",
  reference: authentication(
    ["RFC 5246 §7.4.9"],
    [841, 287],
    ["Beurdouche et al., A Messy State of the Union (2015)"],
  ),
  run: (lab) => enterBy(lab, ["Certificate", "Finished"], ["Finished"]),
});
