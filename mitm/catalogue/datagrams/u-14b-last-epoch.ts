import { broken, gatewayAttack, held } from "../../attack.ts";
import { integrity, overDtls } from "./reference.ts";
import { isAlive, sayWrongly, session } from "./words.ts";

export default gatewayAttack({
  id: "U-14b",
  title: "a record of epoch 65535",
  transports: overDtls,
  defeats: "epoch-not-checked",
  severity: "medium",
  reference: integrity(["RFC 6347 §4.1"], [323, 345]),
  async run(lab) {
    const client = await session(lab);
    const isTaken = await sayWrongly(lab, client, { epoch: 65_535 }, "epoch 65535, of the keys of epoch 1");
    if (isTaken) return broken("a record of epoch 65535 was opened");
    return held((await isAlive(lab, client)) ? "it was dropped, the session goes on" : "the session ended");
  },
});
