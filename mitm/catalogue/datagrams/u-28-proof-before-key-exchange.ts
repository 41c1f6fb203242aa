import { gatewayAttack } from "../../attack.ts";
import { enterBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-28",
  title: "CertificateVerify before ClientKeyExchange",
  transports: overDtls,
  defeats: "handshake-order-not-enforced",
  severity: "high",
  reference: authentication(
    ["RFC 5246 §7.4.8"],
    [841, 287],
    ["Beurdouche et al., A Messy State of the Union (2015)"],
  ),
  run: (lab) =>
    enterBy(
      lab,
      ["Certificate", "CertificateVerify", "ClientKeyExchange", "ChangeCipherSpec", "Finished"],
      ["CertificateVerify", "ClientKeyExchange"],
    ),
});
