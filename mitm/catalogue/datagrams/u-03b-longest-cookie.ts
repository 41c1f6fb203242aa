import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { firstWord, judgeWord } from "./flight.ts";
import { availability, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-03b",
  title: "a made-up cookie of 255 bytes",
  transports: overDtls,
  defeats: "cookie-not-verified",
  severity: "medium",
  reference: availability(["RFC 6347 §4.2.1"], [345, 406]),
  async run(lab) {
    const client = await lab.dtls({ marks: ["ClientHello"] });
    client.flight(["ClientHello"]);
    const first = await firstWord(client, lab.patience.answerMs);
    if (first !== "HelloVerifyRequest")
      throw new NotApplicable(`no cookie is asked for: ${first} came instead`);
    client.cookie = lab.prng.bytes(255);
    client.flight(["ClientHello"]);
    return judgeWord(await firstWord(client, lab.patience.answerMs));
  },
});
