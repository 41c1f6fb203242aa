import { HandshakeType } from "../../../dtls/wire/registry.ts";
import { gatewayAttack } from "../../attack.ts";
import { enterWith } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-26",
  title: "a Finished of zeros",
  transports: overDtls,
  defeats: "finished-not-verified",
  severity: "critical",
  reference: authentication(["RFC 5246 §7.4.9"], [354, 345]),
  async run(lab) {
    const body = new Uint8Array(12);
    const zeros = { kind: "handshake", msgType: HandshakeType.finished, body, note: "of zeros" } as const;
    return await enterWith(lab, { outgoing: ({ name }) => (name === "Finished" ? [zeros] : undefined) }, []);
  },
});
