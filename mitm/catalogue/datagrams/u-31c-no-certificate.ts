import { deviceAttack } from "../../attack.ts";
import { serveBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-31c",
  title: "a gateway without a Certificate",
  transports: overDtls,
  defeats: "certificate-message-not-required",
  severity: "critical",
  reference: authentication(
    ["RFC 5246 §7.4.2"],
    [295, 841],
    ["Beurdouche et al., A Messy State of the Union (2015)"],
  ),
  run: (lab) =>
    serveBy(
      lab,
      ["ServerHello", "ServerKeyExchange", "CertificateRequest", "ServerHelloDone"],
      ["ServerKeyExchange"],
    ),
});
