import { gatewayAttack } from "../../attack.ts";
import { enterBy } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-21",
  title: "a certificate without CertificateVerify",
  transports: overDtls,
  defeats: "certificate-verify-not-required",
  severity: "critical",
  reference: authentication(
    ["RFC 5246 §7.4.8"],
    [287, 347, 841],
    [
      "Fiterau-Brostean et al., Analysis of DTLS Implementations Using Protocol State Fuzzing (2020)",
      "de Ruiter, Poll, Protocol State Fuzzing of TLS (2015)",
    ],
  ),
  run: (lab) =>
    enterBy(lab, ["Certificate", "ClientKeyExchange", "ChangeCipherSpec", "Finished"], ["ChangeCipherSpec"]),
});
