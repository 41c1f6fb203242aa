import { ContentType } from "../../../dtls/wire/registry.ts";
import { broken, deviceAttack, held } from "../../attack.ts";
import { availability, overDtls } from "./reference.ts";
import { deviceSession, endOf } from "./words.ts";

export default deviceAttack({
  id: "U-38f",
  title: "a record from the gateway whose tag does not fit",
  transports: overDtls,
  defeats: "invalid-record-ends-session",
  severity: "high",
  reference: availability(["RFC 6347 §4.1.2.7"], [755, 345]),
  async run(lab) {
    const server = await deviceSession(lab);
    const corrupt = (record: Uint8Array): Uint8Array =>
      record.map((byte, index) => (index === record.length - 1 ? byte ^ 1 : byte));
    server.record(
      ContentType.application_data,
      Buffer.from("forged"),
      { corrupt },
      { attack: true, note: "one bit of the tag flipped" },
    );
    const end = await endOf(server, lab.patience.silenceMs);
    if (end !== undefined) return broken(`one forged record ended the session: ${end}`);
    return held("it was dropped, the session goes on", { next: "went on" });
  },
});
