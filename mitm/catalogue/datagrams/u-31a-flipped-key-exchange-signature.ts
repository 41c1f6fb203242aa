import { HandshakeType } from "../../../dtls/wire/registry.ts";
import { deviceAttack } from "../../attack.ts";
import { serveWith } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-31a",
  title: "a ServerKeyExchange with one bit of its signature flipped",
  transports: overDtls,
  defeats: "server-key-exchange-not-verified",
  severity: "critical",
  reference: authentication(["RFC 8422 §5.4", "RFC 5246 §7.4.3"], [347]),
  async run(lab) {
    const msgType = HandshakeType.server_key_exchange;
    return await serveWith(
      lab,
      {
        outgoing: ({ name, body }) => {
          if (name !== "ServerKeyExchange") return undefined;
          const flipped = body.map((byte, index) => (index === body.length - 1 ? byte ^ 1 : byte));
          return [{ kind: "handshake", msgType, body: flipped, note: "one bit of the signature flipped" }];
        },
      },
      [],
    );
  },
});
