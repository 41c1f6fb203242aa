import { broken, deviceAttack, held } from "../../attack.ts";
import { integrity, overDtls } from "./reference.ts";
import { deviceSession, endOf } from "./words.ts";

export default deviceAttack({
  id: "U-14d",
  title: "an alert in a record of the epoch after the next",
  transports: overDtls,
  defeats: "epoch-not-checked",
  severity: "medium",
  reference: integrity(["RFC 6347 §4.1"], [323, 345]),
  async run(lab) {
    const server = await deviceSession(lab);
    server.alert("close_notify", { epoch: 3 }, { attack: true, note: "epoch 3, of the keys of epoch 1" });
    const end = await endOf(server, lab.patience.silenceMs);
    if (end !== undefined) return broken(`a record of epoch 3 ended the session: ${end}`);
    return held("it was dropped, the session goes on", { next: "went on" });
  },
});
