import { deviceAttack } from "../../attack.ts";
import { editServerHello } from "../../tls/messages.ts";
import { inPlaceOf, serveOver } from "./at-version.ts";

export default deviceAttack({
  id: "P-05f",
  title: "another legacy_session_id_echo than was sent",
  transports: ["tls"],
  defeats: "session-id-echo-not-checked",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §4.1.3"],
    cwe: [345],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  async run(lab) {
    const outgoing = inPlaceOf("ServerHello", ({ msgType = 0, body }) => [
      {
        kind: "handshake",
        msgType,
        body: editServerHello(body, () => ({ sessionId: lab.prng.bytes(32) })),
        note: "another session id",
      },
    ]);
    return lab.judge(await serveOver(lab, "TLS 1.3", { outgoing }));
  },
});
