import { pairAttack } from "../../attack.ts";
import { besideFlow, judgeStayed } from "./connection-ids.ts";
import { catchNext } from "./open-flow.ts";

export default pairAttack({
  id: "U-33b",
  title: "a record of the device that was held back while newer ones passed, from another address",
  transports: ["dtls"],
  defeats: "cid-moves-on-old-record",
  severity: "high",
  reference: { rfc: ["RFC 9146 §6"], cwe: [290, 294], en303645: ["5.5-1"], cra: ["I(2)(d)", "I(2)(h)"] },
  async run(lab) {
    const { open, stranger } = await besideFlow(lab);
    const held = await catchNext(lab, open, "device", () => ({ instead: [], note: "held back" }));
    await catchNext(lab, open, "device");
    stranger.send(held.datagram.bytes, held.datagram.what, "late, from another address");
    return judgeStayed(lab, open, stranger, "a late record");
  },
});
