import { gatewayAttack } from "../../attack.ts";
import { enterWith } from "./flight.ts";
import { withGap } from "./numbering.ts";
import { integrity, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-17a",
  title: "handshake messages with a gap in their numbers",
  transports: overDtls,
  defeats: "message-sequence-not-checked",
  severity: "medium",
  reference: integrity(["RFC 6347 §4.2.2"], [841]),
  run: (lab) =>
    enterWith(lab, { framing: withGap("ClientKeyExchange", "CertificateVerify", "Finished") }, []),
});
