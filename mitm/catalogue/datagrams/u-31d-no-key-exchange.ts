import { deviceAttack } from "../../attack.ts";
import { serveBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-31d",
  title: "a gateway without a ServerKeyExchange",
  transports: overDtls,
  defeats: "server-key-exchange-not-required",
  severity: "critical",
  reference: authentication(
    ["RFC 8422 §5.4"],
    [325, 841],
    ["Beurdouche et al., A Messy State of the Union (2015)"],
  ),
  run: (lab) =>
    serveBy(
      lab,
      ["ServerHello", "Certificate", "CertificateRequest", "ServerHelloDone"],
      ["CertificateRequest", "ServerHelloDone"],
    ),
});
