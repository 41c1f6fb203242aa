import { pairAttack } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import { Conversation } from "../../path/conversation.ts";
import { isApplicationData, tamperWithRecords } from "./tampered-records.ts";

export default pairAttack({
  id: "P-17k",
  title: "a record to the gateway from an earlier session of the same device",
  transports: ["tls"],
  defeats: "record-mac-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §5.2", "RFC 8446 §7.3"],
    cwe: [294, 353],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const earlier = await lab.tcpPath();
    const session = await lab.session(earlier);
    await Conversation.open(lab, session);
    const kept = earlier.latest?.records.findLast((record) => isApplicationData(record, "device"));
    if (kept === undefined) throw new NotDelivered("the device sent no record that could have been kept");
    await session.close();
    await earlier.close();
    return tamperWithRecords(lab, {
      to: "gateway",
      records: 1,
      note: "a record of an earlier session in its place",
      rewrite: () => [kept.bytes],
    });
  },
});
