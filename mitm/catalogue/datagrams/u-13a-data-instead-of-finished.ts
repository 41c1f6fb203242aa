import { ContentType } from "../../../dtls/wire/registry.ts";
import { broken, gatewayAttack, held } from "../../attack.ts";
import { helloed } from "./flight.ts";
import { integrity, overDtls } from "./reference.ts";
import { isAnswered, newWord } from "./words.ts";

export default gatewayAttack({
  id: "U-13a",
  title: "application data in the place of Finished",
  transports: overDtls,
  defeats: "application-data-before-finished",
  severity: "critical",
  reference: integrity(["RFC 5246 §7.4.9", "RFC 6347 §4.1"], [696, 841]),
  async run(lab) {
    const word = newWord(lab);
    const client = await helloed(lab);
    client.flight(client.rightFlight().filter((name) => name !== "Finished"));
    client.record(
      ContentType.application_data,
      word.bytes,
      {},
      { attack: true, note: "Finished was left out" },
    );
    const isEarly = await isAnswered(client, word, lab.patience.silenceMs);
    if (isEarly) return broken("data reached the application before Finished");
    return held("it was not delivered", { refusedAt: "ChangeCipherSpec" });
  },
});
