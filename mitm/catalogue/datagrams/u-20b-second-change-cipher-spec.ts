import { gatewayAttack } from "../../attack.ts";
import { enterBy } from "./flight.ts";
import { integrity, overDtls } from "./reference.ts";

const order = [
  "Certificate",
  "ClientKeyExchange",
  "CertificateVerify",
  "ChangeCipherSpec",
  "ChangeCipherSpec",
  "Finished",
] as const;

export default gatewayAttack({
  id: "U-20b",
  title: "ChangeCipherSpec twice, and Finished in a second epoch of the same keys",
  transports: overDtls,
  defeats: "repeated-change-cipher-spec",
  severity: "high",
  reference: integrity(["RFC 5246 §7.1", "RFC 6347 §4.1"], [323, 841]),
  run: (lab) => enterBy(lab, order, ["ChangeCipherSpec"]),
});
