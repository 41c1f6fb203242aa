import { gatewayAttack } from "../../attack.ts";
import { enterBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-30b",
  title: "ChangeCipherSpec and Finished alone",
  transports: overDtls,
  defeats: "early-change-cipher-spec",
  severity: "critical",
  reference: authentication(["RFC 5246 §7.1"], [841, 287], ["CVE-2014-0224"]),
  run: (lab) => enterBy(lab, ["ChangeCipherSpec", "Finished"], ["ChangeCipherSpec", "Finished"]),
});
