import { deviceAttack } from "../../attack.ts";
import { serveOver, without } from "./at-version.ts";

export default deviceAttack({
  id: "P-18t",
  title: "a gateway without ServerKeyExchange, in TLS 1.2",
  transports: ["tls"],
  defeats: "server-key-exchange-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 8422 §5.4"],
    cwe: [306, 347],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  async run(lab) {
    // Nothing was agreed on: what is left are keys that everybody knows.
    const sharedSecret = new Uint8Array(32);
    const outgoing = without("ServerKeyExchange");
    return lab.judge(await serveOver(lab, "TLS 1.2", { outgoing, sharedSecret }));
  },
});
