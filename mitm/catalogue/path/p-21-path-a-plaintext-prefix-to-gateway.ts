import { pairAttack } from "../../attack.ts";
import { inject } from "./injection.ts";

/** MQTT 3.1.1 §3.12: PINGREQ. */
const plaintext = Uint8Array.of(0xc0, 0);

export default pairAttack({
  id: "P-21-path-a",
  title: "MQTT in clear put before the ClientHello",
  transports: ["tls"],
  defeats: "plaintext-before-handshake-skipped",
  severity: "high",
  reference: { rfc: ["RFC 8446 §5.1"], cwe: [319, 349], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  run: (lab) =>
    inject(lab, {
      to: "gateway",
      place: "before hello",
      what: "MQTT PINGREQ",
      bytes: plaintext,
    }),
});
