import { broken, gatewayAttack, held } from "../../attack.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import { firstWord } from "./flight.ts";
import { availability, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-02",
  title: "a ClientHello that makes the gateway say more than was said",
  transports: overDtls,
  defeats: "verify-request-amplifies",
  severity: "medium",
  reference: availability(["RFC 6347 §4.2.1", "RFC 9147 §5.1"], [406]),
  async run(lab) {
    const client = await lab.dtls({ marks: ["ClientHello"] });
    client.flight(["ClientHello"]);
    const first = await firstWord(client, lab.patience.answerMs);
    // A server that waits for an answer may say the same again: that counts too.
    while ((await client.next(lab.patience.silenceMs)) !== undefined) continue;
    const asked = bytesOn(lab, client.connection, "client");
    const answered = bytesOn(lab, client.connection, "server");
    const ratio = `${answered} bytes for ${asked}`;
    if (answered > asked) return broken(`an address that nobody proved was sent ${ratio}, ${first} first`);
    return held(`${ratio}, ${first} first`, { refusedAt: "ClientHello" });
  },
});

function bytesOn(lab: GatewayLab, connection: number, from: "client" | "server"): number {
  const packets = lab.recorder.packets.filter((one) => one.connection === connection && one.from === from);
  return packets.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
