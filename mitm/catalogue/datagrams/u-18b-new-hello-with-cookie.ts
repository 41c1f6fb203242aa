import { writeMessage } from "../../../dtls/wire/handshake.ts";
import { ContentType, HandshakeType } from "../../../dtls/wire/registry.ts";
import { broken, gatewayAttack, held } from "../../attack.ts";
import { firstWord } from "./flight.ts";
import { availability, overDtls } from "./reference.ts";
import { isAlive, session } from "./words.ts";

export default gatewayAttack({
  id: "U-18b",
  title: "a ClientHello with its cookie on the addresses of a session, and nothing after it",
  transports: overDtls,
  defeats: "session-lost-to-new-hello",
  severity: "medium",
  reference: availability(["RFC 6347 §4.2.8"], [345, 400]),
  async run(lab) {
    const client = await session(lab);
    client.listenAgain();
    const random = lab.prng.bytes(32);
    const hello = (cookie: Uint8Array, seq: number): void => {
      const body = client.helloBody({ random, cookie });
      const fragment = writeMessage(HandshakeType.client_hello, seq, body);
      const saying = { what: "ClientHello", attack: true, note: "on the addresses of a session" };
      client.record(ContentType.handshake, fragment, { epoch: 0 }, saying);
    };
    hello(new Uint8Array(), 0);
    const word = await firstWord(client, lab.patience.silenceMs);
    if (word === "HelloVerifyRequest") hello(client.cookie, 1);
    const then = await firstWord(client, lab.patience.silenceMs);
    if (await isAlive(lab, client))
      return held(`answered by ${word} and ${then}, the session goes on`, { next: "went on" });
    return broken(`the session is gone; ClientHello was answered by ${word} and ${then}`);
  },
});
