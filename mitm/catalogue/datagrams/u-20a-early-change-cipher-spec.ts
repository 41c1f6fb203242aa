import { gatewayAttack } from "../../attack.ts";
import { enterBy } from "./flight.ts";
import { integrity, overDtls } from "./reference.ts";

const order = [
  "Certificate",
  "ChangeCipherSpec",
  "ClientKeyExchange",
  "CertificateVerify",
  "Finished",
] as const;

export default gatewayAttack({
  id: "U-20a",
  title: "ChangeCipherSpec before the keys are agreed on",
  transports: overDtls,
  defeats: "early-change-cipher-spec",
  severity: "critical",
  reference: integrity(["RFC 5246 §7.1", "RFC 5246 §7.3"], [325, 841], ["CVE-2014-0224"]),
  run: (lab) => enterBy(lab, order, ["ChangeCipherSpec"]),
});
