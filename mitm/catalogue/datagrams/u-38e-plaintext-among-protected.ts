import { ContentType } from "../../../dtls/wire/registry.ts";
import { broken, gatewayAttack, held } from "../../attack.ts";
import { integrity, overDtls } from "./reference.ts";
import { isAnswered, newWord, session } from "./words.ts";

export default gatewayAttack({
  id: "U-38e",
  title: "records of epoch 0 and epoch 1 in one datagram",
  transports: overDtls,
  defeats: "plaintext-data-accepted",
  severity: "high",
  reference: integrity(["RFC 6347 §4.1"], [319, 345]),
  async run(lab) {
    const client = await session(lab);
    const clear = newWord(lab);
    const good = newWord(lab);
    const what = "application data, in the clear and protected";
    const first = client.records.write(ContentType.application_data, clear.bytes, { epoch: 0 });
    const second = client.records.write(ContentType.application_data, good.bytes);
    client.outgoing.datagram(Buffer.concat([first, second]), { what, attack: true });
    if (await isAnswered(client, clear, lab.patience.silenceMs)) {
      return broken("data that nothing protected reached the application");
    }
    return held("the record in the clear was dropped");
  },
});
