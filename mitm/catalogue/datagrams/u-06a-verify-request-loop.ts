import { broken, deviceAttack, held } from "../../attack.ts";
import { availability, overDtls } from "./reference.ts";

/** RFC 6347 §4.2.1: a server that changed its secret may ask twice. */
const most = 24;

export default deviceAttack({
  id: "U-06a",
  title: "HelloVerifyRequest again and again",
  transports: overDtls,
  defeats: "hello-verify-request-loop",
  severity: "low",
  reference: availability(["RFC 6347 §4.2.1"], [835, 400]),
  async run(lab) {
    const server = await lab.acceptDtls({ marks: ["HelloVerifyRequest"] });
    let hellos = 0;
    let cookie: Uint8Array = new Uint8Array();
    while (hellos < most) {
      const incoming = await server.next(lab.patience.answerMs);
      if (incoming === undefined)
        return held(`nothing more came after ${hellos} ClientHellos`, { refusedAt: "HelloVerifyRequest" });
      if (incoming.kind === "alert") {
        const { alert } = incoming;
        return held(`alert ${alert} after ${hellos} ClientHellos`, {
          refusedAt: "HelloVerifyRequest",
          alert,
        });
      }
      if (incoming.kind !== "message") continue;
      // Sent again because the answer took too long: that is not a further one.
      if (hellos > 0 && Buffer.from(incoming.message.body).indexOf(cookie) < 0) continue;
      hellos += 1;
      cookie = lab.prng.bytes(255);
      server.helloVerifyRequest(cookie, incoming.message.messageSeq);
    }
    return broken(`${hellos} ClientHellos for as many HelloVerifyRequests, and no end`);
  },
});
