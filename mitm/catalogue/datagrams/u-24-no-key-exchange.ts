import { gatewayAttack } from "../../attack.ts";
import { enterBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-24",
  title: "Certificate, ChangeCipherSpec and Finished alone",
  transports: overDtls,
  defeats: "early-change-cipher-spec",
  severity: "critical",
  reference: authentication(
    ["RFC 5246 §7.1", "RFC 5246 §7.3"],
    [841, 287],
    ["Beurdouche et al., A Messy State of the Union (2015)"],
  ),
  run: (lab) => enterBy(lab, ["Certificate", "ChangeCipherSpec", "Finished"], ["ChangeCipherSpec"]),
});
