import { gatewayAttack } from "../../attack.ts";
import { inPlaceOf } from "./at-version.ts";
import { comeBack, sessionOf } from "./ticket.ts";

export default gatewayAttack({
  id: "P-11c",
  title: "a ticket with a binder that does not fit",
  transports: ["tls"],
  defeats: "psk-binder-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.2.11"],
    cwe: [345, 347],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const session = await sessionOf(lab, "TLS 1.3");
    // The binder ends the ClientHello.
    const outgoing = inPlaceOf("ClientHello", ({ msgType = 0, body }) => {
      const altered = Uint8Array.from(body);
      altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
      return [{ kind: "handshake", msgType, body: altered, note: "a bit of the binder flipped" }];
    });
    return lab.judge(await comeBack(lab, session, { outgoing }));
  },
});
