import { pairAttack } from "../../attack.ts";
import { inject } from "./injection.ts";

/** MQTT 3.1.1 §3.13: PINGRESP. */
const plaintext = Uint8Array.of(0xd0, 0);

export default pairAttack({
  id: "P-21-path-b",
  title: "MQTT in clear put before the ServerHello",
  transports: ["tls"],
  defeats: "plaintext-before-handshake-skipped",
  severity: "high",
  reference: { rfc: ["RFC 8446 §5.1"], cwe: [319, 349], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  run: (lab) =>
    inject(lab, {
      to: "device",
      place: "before hello",
      what: "MQTT PINGRESP",
      bytes: plaintext,
    }),
});
