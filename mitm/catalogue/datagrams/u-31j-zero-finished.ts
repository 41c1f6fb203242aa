import { HandshakeType } from "../../../dtls/wire/registry.ts";
import { deviceAttack } from "../../attack.ts";
import { serveWith } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-31j",
  title: "a gateway's Finished of zeros",
  transports: overDtls,
  defeats: "finished-not-verified",
  severity: "critical",
  reference: authentication(["RFC 5246 §7.4.9"], [354, 345]),
  async run(lab) {
    const body = new Uint8Array(12);
    const zeros = { kind: "handshake", msgType: HandshakeType.finished, body, note: "of zeros" } as const;
    return await serveWith(lab, { outgoing: ({ name }) => (name === "Finished" ? [zeros] : undefined) }, []);
  },
});
