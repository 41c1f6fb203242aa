import { HandshakeType } from "../../../dtls/wire/registry.ts";
import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { firstWord, judgeWord } from "./flight.ts";
import { availability, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-05",
  title: "a cookie that was given for another ClientHello",
  transports: overDtls,
  defeats: "cookie-not-bound-to-hello",
  severity: "low",
  reference: availability(["RFC 6347 §4.2.1"], [345, 406]),
  async run(lab) {
    const client = await lab.dtls({ marks: ["ClientHello"] });
    client.flight(["ClientHello"]);
    const first = await firstWord(client, lab.patience.answerMs);
    if (first !== "HelloVerifyRequest")
      throw new NotApplicable(`no cookie is asked for: ${first} came instead`);
    const body = client.helloBody({ random: lab.prng.bytes(32) });
    const hello = { kind: "handshake", msgType: HandshakeType.client_hello, body } as const;
    client.flight([{ ...hello, note: "another random, and the cookie of the first" }]);
    return judgeWord(await firstWord(client, lab.patience.answerMs));
  },
});
