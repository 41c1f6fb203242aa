import { broken, gatewayAttack, held } from "../../attack.ts";
import { integrity, overDtls } from "./reference.ts";
import { isAlive, sayWrongly, session } from "./words.ts";

export default gatewayAttack({
  id: "U-14a",
  title: "a record of the epoch after the next",
  transports: overDtls,
  defeats: "epoch-not-checked",
  severity: "medium",
  reference: integrity(["RFC 6347 §4.1"], [323, 345]),
  async run(lab) {
    const client = await session(lab);
    const isTaken = await sayWrongly(lab, client, { epoch: 3 }, "epoch 3, of the keys of epoch 1");
    if (isTaken) return broken("a record of epoch 3 was opened");
    return held((await isAlive(lab, client)) ? "it was dropped, the session goes on" : "the session ended");
  },
});
