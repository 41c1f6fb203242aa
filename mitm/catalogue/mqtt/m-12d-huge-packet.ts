import { broken, gatewayAttack, held } from "../../attack.ts";
import { openSession } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-12d",
  title: "a PUBLISH of 256 MB announced",
  transports: ["tls"],
  defeats: "packet-size-unbounded",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §2.2.3"],
    cwe: [770, 400],
    en303645: ["5.13-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const peer = await openSession(lab, lab.attacker);
    peer.sendBytes(Buffer.from("30ffffff7f", "hex"), "the header of a PUBLISH of 256 MB");
    const closed = await peer.closes();
    if (closed !== undefined) return held(closed, { refusedAt: "the fixed header", next: "closed" });
    peer.cut();
    return broken("the target waits for the rest");
  },
});
