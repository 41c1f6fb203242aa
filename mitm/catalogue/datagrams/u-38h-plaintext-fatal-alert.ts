import { broken, gatewayAttack, held } from "../../attack.ts";
import { availability, overDtls } from "./reference.ts";
import { isAlive, session } from "./words.ts";

export default gatewayAttack({
  id: "U-38h",
  title: "a fatal alert in the clear, from the address of the device",
  transports: overDtls,
  defeats: "plaintext-alert-obeyed",
  severity: "high",
  reference: availability(["RFC 6347 §4.1", "RFC 6347 §4.1.2.7"], [345, 924]),
  async run(lab) {
    const client = await session(lab);
    client.alert("handshake_failure", { epoch: 0 }, { attack: true, note: "in the clear" });
    if (await isAlive(lab, client)) return held("it was dropped, the session goes on", { next: "went on" });
    return broken("the session ended");
  },
});
