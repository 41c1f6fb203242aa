import { pairAttack } from "../../attack.ts";
import { besideFlow, judgeStayed } from "./connection-ids.ts";
import { catchNext } from "./open-flow.ts";

export default pairAttack({
  id: "U-33a",
  title: "a record of the device that was received already, from another address",
  transports: ["dtls"],
  defeats: "cid-moves-without-proof",
  severity: "high",
  reference: { rfc: ["RFC 9146 §6"], cwe: [290, 294], en303645: ["5.5-1"], cra: ["I(2)(d)", "I(2)(h)"] },
  async run(lab) {
    const { open, stranger } = await besideFlow(lab);
    const { datagram } = await catchNext(lab, open, "device");
    stranger.send(datagram.bytes, datagram.what, "again, from another address");
    return judgeStayed(lab, open, stranger, "a record that came again");
  },
});
