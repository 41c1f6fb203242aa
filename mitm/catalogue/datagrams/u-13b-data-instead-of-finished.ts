import { deviceAttack } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import { integrity, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-13b",
  title: "application data in the place of the gateway's Finished",
  transports: overDtls,
  defeats: "application-data-before-finished",
  severity: "critical",
  reference: integrity(["RFC 5246 §7.4.9", "RFC 6347 §4.1"], [696, 841]),
  async run(lab) {
    const server = await lab.acceptDtls();
    const refusal = await server.attempt(async () => {
      await server.hello();
      server.flight(server.rightFlight());
      await server.finish();
    });
    if (refusal !== undefined)
      throw new NotDelivered(`the device did not come to its Finished: ${refusal.how}`);
    server.flight(["ChangeCipherSpec"]);
    server.send(Buffer.from("early"), { attack: true, note: "Finished was left out" });
    return lab.judge(await lab.trusts(server));
  },
});
