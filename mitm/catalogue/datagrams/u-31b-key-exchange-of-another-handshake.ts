import { HandshakeType } from "../../../dtls/wire/registry.ts";
import { deviceAttack, held } from "../../attack.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-31b",
  title: "a ServerKeyExchange that was signed for another handshake",
  transports: overDtls,
  defeats: "server-key-exchange-not-verified",
  severity: "critical",
  reference: authentication(["RFC 8422 §5.4", "RFC 5246 §7.4.3"], [294, 347]),
  async run(lab) {
    const server = await lab.acceptDtls({ marks: ["ServerKeyExchange"] });
    const refusal = await server.attempt(async () => {
      await server.hello();
      const body = server.keyExchangeBody({ randoms: [lab.prng.bytes(32), lab.prng.bytes(32)] });
      const note = "signed over the randoms of another handshake";
      const exchange = { kind: "handshake", msgType: HandshakeType.server_key_exchange, body, note } as const;
      server.flight(server.rightFlight().map((name) => (name === "ServerKeyExchange" ? exchange : name)));
      await server.finish();
      server.flight(["ChangeCipherSpec", "Finished"]);
    });
    if (refusal === undefined) return lab.judge(await lab.trusts(server));
    return held(refusal.how, { refusedAt: refusal.refusedAt, alert: refusal.alert });
  },
});
