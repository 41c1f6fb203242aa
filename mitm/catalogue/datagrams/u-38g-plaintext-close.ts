import { broken, deviceAttack, held } from "../../attack.ts";
import { availability, overDtls } from "./reference.ts";
import { deviceSession, endOf } from "./words.ts";

export default deviceAttack({
  id: "U-38g",
  title: "a close_notify in the clear, from the address of the gateway",
  transports: overDtls,
  defeats: "plaintext-alert-obeyed",
  severity: "high",
  reference: availability(["RFC 6347 §4.1", "RFC 6347 §4.1.2.7"], [345, 924]),
  async run(lab) {
    const server = await deviceSession(lab);
    server.alert("close_notify", { epoch: 0 }, { attack: true, note: "in the clear" });
    const end = await endOf(server, lab.patience.silenceMs);
    if (end !== undefined) return broken(`an alert that anybody can send ended the session: ${end}`);
    return held("it was dropped, the session goes on", { next: "went on" });
  },
});
