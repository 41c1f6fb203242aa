import { ContentType } from "../../../dtls/wire/registry.ts";
import { broken, gatewayAttack, held } from "../../attack.ts";
import { availability, overDtls } from "./reference.ts";
import { isAlive, isAnswered, newWord, session } from "./words.ts";

export default gatewayAttack({
  id: "U-38d",
  title: "records whose tag does not fit, before a good one in the same datagram",
  transports: overDtls,
  defeats: "invalid-record-ends-session",
  severity: "high",
  reference: availability(["RFC 6347 §4.1.2.7"], [755, 345]),
  async run(lab) {
    const client = await session(lab);
    const word = newWord(lab);
    const forged = client.records.write(ContentType.application_data, word.bytes, {
      corrupt: (record) => record.map((byte, index) => (index === record.length - 1 ? byte ^ 1 : byte)),
    });
    const good = newWord(lab);
    const right = client.records.write(ContentType.application_data, good.bytes);
    const what = "application data, forged and right";
    client.outgoing.datagram(Buffer.concat([forged, right]), { what, attack: true });
    await isAnswered(client, good, lab.patience.silenceMs);
    if (await isAlive(lab, client)) return held("it was dropped, the session goes on", { next: "went on" });
    return broken("the session ended");
  },
});
