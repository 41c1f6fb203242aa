import { gatewayAttack } from "../../attack.ts";
import { enterWith } from "./flight.ts";
import { overlapped } from "./overlap.ts";
import { integrity, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-15a",
  title: "a Certificate in overlapping fragments that contradict each other",
  transports: overDtls,
  defeats: "overlapping-fragments-mixed",
  severity: "high",
  reference: integrity(["RFC 6347 §4.2.3", "RFC 6347 §4.2.6"], [130, 436]),
  run: (lab) => enterWith(lab, { framing: overlapped }, []),
});
