import { pairAttack } from "../../attack.ts";
import { dtlsRecord } from "../../path/datagram-record.ts";
import { besideFlow } from "./connection-ids.ts";
import { catchNext, judgeDropped } from "./open-flow.ts";

export default pairAttack({
  id: "U-32b",
  title: "forged records with the device's connection id from its own address",
  transports: ["dtls"],
  defeats: "invalid-record-ends-session",
  severity: "medium",
  reference: {
    rfc: ["RFC 6347 §4.1.2.7", "RFC 9146 §6"],
    cwe: [345, 400],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const { open } = await besideFlow(lab);
    const { record } = await catchNext(lab, open, "device");
    const { type, epoch, cid, fragment } = record;
    for (let count = 1; count <= 8; count += 1) {
      const sequence = record.sequence + 100 * count;
      const forged = dtlsRecord({ type, epoch, cid, sequence }, lab.prng.bytes(fragment.length));
      open.flow.send("gateway", forged, "record with a connection id", "forged");
    }
    return judgeDropped(lab, open, "gateway", "forged records", { used: "obeyed" });
  },
});
