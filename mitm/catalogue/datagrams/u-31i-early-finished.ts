import { deviceAttack } from "../../attack.ts";
import { serveBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-31i",
  title: "Finished in the clear right after ServerHello",
  transports: overDtls,
  defeats: "early-finished",
  severity: "critical",
  reference: authentication(["RFC 5246 §7.4.9"], [841, 287], ["CVE-2014-6593"]),
  run: (lab) => serveBy(lab, ["ServerHello", "Finished"], ["Finished"]),
});
