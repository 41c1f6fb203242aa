import { pairAttack } from "../../attack.ts";
import type { UdpFlow } from "../../path/udp-flow.ts";
import { handshakeIn } from "./bad-weather.ts";

export default pairAttack({
  id: "U-09d",
  title: "all of the gateway's flight lost but what comes last",
  transports: ["dtls"],
  defeats: "no-retransmission",
  severity: "medium",
  reference: { rfc: ["RFC 6347 §4.2.4"], cwe: [400], en303645: ["5.9-1"], cra: ["I(2)(h)"] },
  run(lab) {
    const arrived = new WeakSet<UdpFlow>();
    return handshakeIn(lab, ({ from, what }, flow) => {
      if (from !== "gateway" || arrived.has(flow) || what === "HelloVerifyRequest") return undefined;
      const isEnd = what.includes("ServerHelloDone");
      if (isEnd) arrived.add(flow);
      // A flight that fits into one datagram has no other part to lose.
      return isEnd && !what.includes("ServerHello,")
        ? undefined
        : { instead: [], note: "lost, the first time" };
    });
  },
});
