import { pairAttack } from "../../attack.ts";
import { TlsContentType, tlsRecord } from "../../path/tls-record.ts";
import { inject } from "./injection.ts";

export default pairAttack({
  id: "P-18-path-a",
  title: "application data in clear put after the ClientHello",
  transports: ["tls"],
  defeats: "application-data-before-finished",
  severity: "high",
  reference: {
    rfc: ["RFC 8446 §5.1", "RFC 5246 §7.4.9"],
    cwe: [349, 924],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  // Empty: an end that takes it goes on as if nothing had been, and is found out by that.
  run: (lab) =>
    inject(lab, {
      to: "gateway",
      place: "after hello",
      what: "application data in clear",
      bytes: tlsRecord(TlsContentType.applicationData, new Uint8Array()),
    }),
});
