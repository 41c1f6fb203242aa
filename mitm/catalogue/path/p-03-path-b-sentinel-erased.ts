import { pairAttack } from "../../attack.ts";
import { downgrade } from "./downgrade.ts";

export default pairAttack({
  id: "P-03-path-b",
  title: "TLS 1.3 taken out of the ClientHello, and the sign of it out of the ServerHello",
  transports: ["tls"],
  defeats: "server-key-exchange-not-verified",
  severity: "high",
  reference: {
    rfc: ["RFC 5246 §7.4.3", "RFC 8446 §4.1.3"],
    cwe: [347, 757],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  // RFC 5246 §7.4.3: the signature of ServerKeyExchange covers both randoms, so that this one no longer fits.
  run: (lab) =>
    downgrade(
      lab,
      (hello) => ({ ...hello, random: Buffer.concat([hello.random.subarray(0, 24), lab.prng.bytes(8)]) }),
      "the last 8 bytes of its random replaced",
    ),
});
