import { gatewayAttack } from "../../attack.ts";
import { enterBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-22",
  title: "neither Certificate nor CertificateVerify",
  transports: overDtls,
  defeats: "certificate-message-not-required",
  severity: "critical",
  reference: authentication(
    ["RFC 5246 §7.4.6"],
    [306, 841],
    ["Beurdouche et al., A Messy State of the Union (2015)"],
  ),
  run: (lab) => enterBy(lab, ["ClientKeyExchange", "ChangeCipherSpec", "Finished"], ["ClientKeyExchange"]),
});
