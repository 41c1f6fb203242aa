import { deviceAttack } from "../../attack.ts";
import { serveBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-31e",
  title: "the gateway's Certificate twice",
  transports: overDtls,
  defeats: "duplicate-messages-accepted",
  severity: "high",
  reference: authentication(
    ["RFC 5246 §7.3"],
    [841, 287],
    ["Beurdouche et al., A Messy State of the Union (2015)"],
  ),
  run: (lab) =>
    serveBy(
      lab,
      [
        "ServerHello",
        "Certificate",
        "Certificate",
        "ServerKeyExchange",
        "CertificateRequest",
        "ServerHelloDone",
      ],
      ["Certificate"],
    ),
});
