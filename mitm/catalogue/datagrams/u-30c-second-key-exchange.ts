import { gatewayAttack } from "../../attack.ts";
import { enterBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-30c",
  title: "two ClientKeyExchange messages",
  transports: overDtls,
  defeats: "duplicate-messages-accepted",
  severity: "high",
  reference: authentication(
    ["RFC 5246 §7.3"],
    [841, 287],
    ["Beurdouche et al., A Messy State of the Union (2015)"],
  ),
  run: (lab) =>
    enterBy(
      lab,
      [
        "Certificate",
        "ClientKeyExchange",
        "ClientKeyExchange",
        "CertificateVerify",
        "ChangeCipherSpec",
        "Finished",
      ],
      ["ClientKeyExchange"],
    ),
});
