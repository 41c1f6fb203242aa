import { broken, gatewayAttack, held } from "../../attack.ts";
import { sessionOf } from "./ticket.ts";
import { anyWords } from "./unfinished.ts";

export default gatewayAttack({
  id: "P-13a",
  title: "application data as early data",
  transports: ["tls"],
  defeats: "early-data-accepted",
  severity: "high",
  reference: {
    rfc: ["RFC 8446 §8", "RFC 8446 §E.5"],
    cwe: [294],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const earlyData = anyWords(lab);
    const ticket = await sessionOf(lab, "TLS 1.3");
    // Where the ticket allows none, it is sent all the same.
    const session = { ...ticket, maxEarlyData: Math.max(ticket.maxEarlyData, earlyData.length) };
    const { credential } = lab.attacker;
    const client = await lab.tls({ versions: ["TLS 1.3"], session, earlyData, credential });
    const result = await client.handshake();
    if (!result.completed) return lab.judge({ admitted: false, ...result });
    if (client.tls13?.earlyDataAccepted === true) {
      return broken("the gateway takes early data, which whoever recorded it can send again");
    }
    const next = await client.receive(lab.patience.silenceMs);
    if (next.kind === "data") return broken("the early data was answered");
    return held("the early data was passed over");
  },
});
