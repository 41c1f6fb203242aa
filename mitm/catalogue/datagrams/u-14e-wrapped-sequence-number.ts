import { maxSequence } from "../../../dtls/wire/record.ts";
import { ContentType } from "../../../dtls/wire/registry.ts";
import { broken, deviceAttack, held } from "../../attack.ts";
import { integrity, overDtls } from "./reference.ts";
import { deviceSession, endOf } from "./words.ts";

export default deviceAttack({
  id: "U-14e",
  title: "the highest sequence number, and then a low one again",
  transports: overDtls,
  defeats: "sequence-number-wraps",
  severity: "high",
  reference: integrity(["RFC 6347 §4.1", "RFC 6347 §4.1.2.6"], [323, 294]),
  async run(lab) {
    const server = await deviceSession(lab);
    const note = "sequence number 2^48-1";
    server.record(
      ContentType.application_data,
      Buffer.from("last"),
      { sequence: maxSequence },
      { attack: true, note },
    );
    server.alert(
      "close_notify",
      { sequence: 40 },
      { attack: true, note: "sequence number 40, after 2^48-1" },
    );
    const end = await endOf(server, lab.patience.silenceMs);
    if (end !== undefined) return broken(`sequence number 40 was taken for newer than 2^48-1: ${end}`);
    return held("it was dropped as old", { next: "went on" });
  },
});
