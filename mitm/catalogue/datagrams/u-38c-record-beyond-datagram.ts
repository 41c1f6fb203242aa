import { ContentType } from "../../../dtls/wire/registry.ts";
import { broken, gatewayAttack, held } from "../../attack.ts";
import { availability, overDtls } from "./reference.ts";
import { isAlive, newWord, session } from "./words.ts";

export default gatewayAttack({
  id: "U-38c",
  title: "a record that is longer than its datagram",
  transports: overDtls,
  defeats: "invalid-record-ends-session",
  severity: "medium",
  reference: availability(["RFC 6347 §4.1.1", "RFC 6347 §4.1.2.7"], [130, 755]),
  async run(lab) {
    const client = await session(lab);
    const word = newWord(lab);
    const corrupt = (record: Uint8Array): Uint8Array => record.subarray(0, record.length - 5);
    client.record(ContentType.application_data, word.bytes, { corrupt }, { attack: true, note: "cut" });
    if (await isAlive(lab, client)) return held("it was dropped, the session goes on", { next: "went on" });
    return broken("the session ended");
  },
});
