import { broken, gatewayAttack } from "../../attack.ts";
import { type Comeback, comeBack, sessionOf } from "./ticket.ts";

export default gatewayAttack({
  id: "P-11b",
  title: "a ticket with a bit flipped, over TLS 1.2",
  transports: ["tls"],
  defeats: "ticket-not-authenticated",
  severity: "critical",
  reference: {
    rfc: ["RFC 5077 §4", "RFC 8446 §4.6.1"],
    cwe: [345, 347],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const session = await sessionOf(lab, "TLS 1.2");
    const { length } = session.ticket;
    let entry: Comeback | undefined;
    for (const place of [0, 16, Math.floor(length / 2), length - 1]) {
      const ticket = Uint8Array.from(session.ticket);
      ticket[place] = (ticket[place] ?? 0) ^ 1;
      entry = await comeBack(lab, { ...session, ticket });
      if (entry.resumed) return broken(`the ticket resumed with a bit of byte ${place} of ${length} flipped`);
    }
    return lab.judge(entry ?? (await comeBack(lab, session)));
  },
});
