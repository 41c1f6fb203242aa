import { deviceAttack } from "../../attack.ts";
import { serveWith } from "./flight.ts";
import { withGap } from "./numbering.ts";
import { integrity, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-17d",
  title: "the gateway's handshake messages with a gap in their numbers",
  transports: overDtls,
  defeats: "message-sequence-not-checked",
  severity: "medium",
  reference: integrity(["RFC 6347 §4.2.2"], [841]),
  async run(lab) {
    const framing = withGap("ServerKeyExchange", "CertificateRequest", "ServerHelloDone", "Finished");
    return await serveWith(lab, { framing }, []);
  },
});
