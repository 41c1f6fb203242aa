import { gatewayAttack } from "../../attack.ts";
import { authentication, overDtls } from "./reference.ts";
import { walk } from "./walk.ts";

export default gatewayAttack({
  id: "U-40",
  title: "handshakes in orders that no model of DTLS has",
  transports: overDtls,
  defeats: "certificate-verify-not-required",
  severity: "high",
  reference: authentication(
    ["RFC 5246 §7.3", "RFC 6347 §4.2.2"],
    [841],
    ["Fiterau-Brostean et al., Analysis of DTLS Implementations Using Protocol State Fuzzing (2020)"],
  ),
  run: (lab) => walk(lab),
});
