import { deviceAttack } from "../../attack.ts";
import { serveWith } from "./flight.ts";
import { overlapped } from "./overlap.ts";
import { integrity, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-15b",
  title: "the gateway's Certificate in overlapping fragments that contradict each other",
  transports: overDtls,
  defeats: "overlapping-fragments-mixed",
  severity: "high",
  reference: integrity(["RFC 6347 §4.2.3", "RFC 6347 §4.2.6"], [130, 436]),
  run: (lab) => serveWith(lab, { framing: overlapped }, []),
});
