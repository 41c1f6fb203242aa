import { deviceAttack } from "../../attack.ts";
import { serveBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-31h",
  title: "ChangeCipherSpec and Finished right after ServerHello",
  transports: overDtls,
  defeats: "early-change-cipher-spec",
  severity: "critical",
  reference: authentication(["RFC 5246 §7.1"], [841, 287], ["CVE-2014-0224"]),
  run: (lab) => serveBy(lab, ["ServerHello", "ChangeCipherSpec", "Finished"], ["ChangeCipherSpec"]),
});
