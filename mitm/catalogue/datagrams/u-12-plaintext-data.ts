import { ContentType } from "../../../dtls/wire/registry.ts";
import { broken, gatewayAttack, held } from "../../attack.ts";
import { helloed } from "./flight.ts";
import { integrity, overDtls } from "./reference.ts";
import { isAnswered, newWord } from "./words.ts";

export default gatewayAttack({
  id: "U-12",
  title: "application data in the clear during the handshake",
  transports: overDtls,
  defeats: "plaintext-data-accepted",
  severity: "high",
  reference: integrity(["RFC 6347 §4.1", "RFC 5246 §7.4.9"], [319, 841]),
  async run(lab) {
    const word = newWord(lab);
    const client = await helloed(lab);
    client.record(
      ContentType.application_data,
      word.bytes,
      { epoch: 0 },
      { attack: true, note: "in the clear" },
    );
    client.flight(client.rightFlight());
    const refusal = await client.attempt(() => client.finish());
    if (refusal !== undefined) return held(`the handshake ended: ${refusal.how}`, { alert: refusal.alert });
    const isEarly = await isAnswered(client, word, lab.patience.silenceMs);
    if (isEarly) return broken("data that nothing protected reached the application");
    return held("it was dropped, the handshake went on", { next: "went on" });
  },
});
