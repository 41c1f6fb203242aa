import { broken, gatewayAttack, held } from "../../attack.ts";
import { tcpName } from "../../path/names.ts";
import { firstWords } from "./unfinished.ts";

export default gatewayAttack({
  id: "P-21a",
  title: "a client that speaks without TLS on the TLS port",
  transports: ["tls"],
  defeats: "plaintext-accepted",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §5.1"],
    cwe: [319],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const raw = await lab.tcp();
    raw.write(firstWords(lab), { attack: true, note: "no TLS at all" });
    const next = await raw.read(lab.patience.answerMs);
    if (next.kind === "alert")
      return held(`alert ${next.alert}`, { refusedAt: "application data", alert: next.alert });
    if (next.kind === "closed") return held(`${next.how} without a word`, { refusedAt: "application data" });
    if (next.kind === "silence") return held("no answer", { refusedAt: "application data" });
    // What is no alert in TLS is an answer in clear.
    if (next.data[0] === 21) return held("a TLS alert", { refusedAt: "application data" });
    lab.recorder.leaked(next.data.length);
    return broken(`answered in clear: ${tcpName(next.data)}`);
  },
});
