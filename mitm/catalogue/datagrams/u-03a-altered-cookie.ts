import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { firstWord, judgeWord } from "./flight.ts";
import { availability, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-03a",
  title: "a cookie with one bit flipped",
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
    client.cookie = client.cookie.map((byte, index) =>
      index === client.cookie.length - 1 ? byte ^ 1 : byte,
    );
    client.flight(["ClientHello"]);
    return judgeWord(await firstWord(client, lab.patience.answerMs));
  },
});
