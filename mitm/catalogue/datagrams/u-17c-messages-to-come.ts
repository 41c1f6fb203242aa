import { writeFragment } from "../../../dtls/wire/handshake.ts";
import { HandshakeType } from "../../../dtls/wire/registry.ts";
import { gatewayAttack } from "../../attack.ts";
import { floodInHandshake } from "./flood.ts";
import { availability, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-17c",
  title: "many large messages whose turn has not come",
  transports: overDtls,
  defeats: "handshake-memory-unbounded",
  severity: "medium",
  reference: availability(["RFC 6347 §4.2.2"], [770, 789]),
  async run(lab) {
    let ahead = 0;
    return await floodInHandshake(
      lab,
      400,
      "a fragment of a message of 60 kB that is far ahead",
      (client) => {
        ahead += 1;
        const seq = client.outgoing.nextSeq + (ahead % 1000) + 1;
        return writeFragment(HandshakeType.certificate, 60_000, seq, 0, new Uint8Array(16));
      },
    );
  },
});
