import { pairAttack } from "../../attack.ts";

import { changeHello } from "./changed-hello.ts";

export default pairAttack({
  id: "P-03-path-c",
  title: "a ClientHello whose cipher suites were put in another order",
  transports: ["tls", "dtls"],
  defeats: "transcript-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.4", "RFC 5246 §7.4.9", "RFC 7627 §4"],
    cwe: [757, 924],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  run: (lab) =>
    changeHello(lab, {
      note: "cipher suites in another order",
      change: (hello) => ({ ...hello, cipherSuites: hello.cipherSuites.toReversed() }),
    }),
});
