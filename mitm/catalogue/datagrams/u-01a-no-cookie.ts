import { gatewayAttack } from "../../attack.ts";
import { firstWord, judgeWord } from "./flight.ts";
import { availability, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-01a",
  title: "a ClientHello without a cookie",
  transports: overDtls,
  defeats: "no-cookie-demanded",
  severity: "medium",
  reference: availability(["RFC 6347 §4.2.1"], [406, 770]),
  async run(lab) {
    const client = await lab.dtls({ marks: ["ClientHello"] });
    client.flight(["ClientHello"]);
    return judgeWord(await firstWord(client, lab.patience.answerMs));
  },
});
