import { broken, deviceAttack, held } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import { integrity, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-06b",
  title: "HelloVerifyRequest after ServerHello",
  transports: overDtls,
  defeats: "late-hello-verify-request",
  severity: "low",
  reference: integrity(["RFC 6347 §4.2.1"], [841]),
  async run(lab) {
    const server = await lab.acceptDtls({ marks: ["HelloVerifyRequest"] });
    const refusal = await server.attempt(() => server.hello());
    if (refusal !== undefined) throw new NotDelivered(`the device sent no ClientHello: ${refusal.how}`);
    server.flight(["ServerHello"]);
    const cookie = lab.prng.bytes(20);
    server.helloVerifyRequest(cookie);
    server.listenAgain();
    const until = performance.now() + lab.patience.silenceMs;
    for (;;) {
      const incoming = await server.next(Math.max(0, until - performance.now()));
      if (incoming === undefined) return held("it did not begin again", { refusedAt: "HelloVerifyRequest" });
      if (incoming.kind === "alert") {
        const { alert } = incoming;
        return held(`alert ${alert}`, { refusedAt: "HelloVerifyRequest", alert });
      }
      if (incoming.kind === "message" && Buffer.from(incoming.message.body).includes(cookie)) {
        return broken("the device began again with the cookie, in the middle of a handshake");
      }
    }
  },
});
