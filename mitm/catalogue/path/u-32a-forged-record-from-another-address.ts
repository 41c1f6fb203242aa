import { pairAttack } from "../../attack.ts";
import { dtlsRecord } from "../../path/datagram-record.ts";
import { besideFlow, judgeStayed } from "./connection-ids.ts";
import { catchNext } from "./open-flow.ts";

export default pairAttack({
  id: "U-32a",
  title: "a forged record with the device's connection id from another address",
  transports: ["dtls"],
  defeats: "cid-moves-without-proof",
  severity: "high",
  reference: { rfc: ["RFC 9146 §6"], cwe: [290, 345], en303645: ["5.5-1"], cra: ["I(2)(d)", "I(2)(h)"] },
  async run(lab) {
    const { open, stranger } = await besideFlow(lab);
    const { record } = await catchNext(lab, open, "device");
    const { type, epoch, cid, fragment } = record;
    const forged = dtlsRecord(
      { type, epoch, cid, sequence: record.sequence + 100 },
      lab.prng.bytes(fragment.length),
    );
    stranger.send(forged, "record with a connection id", "the device's connection id, nothing else of it");
    return judgeStayed(lab, open, stranger, "a forged record");
  },
});
