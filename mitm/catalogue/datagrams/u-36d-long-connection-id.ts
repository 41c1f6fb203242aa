import { broken, gatewayAttack, held } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { availability, overDtls } from "./reference.ts";
import { isAlive } from "./words.ts";

export default gatewayAttack({
  id: "U-36d",
  title: "a connection id of 255 bytes that the device wants to have",
  transports: overDtls,
  defeats: "long-connection-id-not-borne",
  severity: "low",
  reference: availability(["RFC 9146 §3"], [130, 755]),
  async run(lab) {
    const connectionId = lab.prng.bytes(255);
    const client = await lab.dtls({ connectionId, marks: ["ClientHello"] });
    const result = await client.handshake();
    if (!result.completed) {
      const { how, refusedAt, alert } = result;
      const isAgreed = client.peerConnectionId !== undefined && alert === undefined;
      if (isAgreed) return broken(`it was agreed to, and then nothing could be read: ${how}`);
      return held(how, { refusedAt, alert });
    }
    if (client.peerConnectionId === undefined) {
      throw new NotApplicable("the target negotiates no connection id");
    }
    if (await isAlive(lab, client)) return held("every record bore it", { next: "went on" });
    return broken("the handshake was completed, and nothing could be said in the session");
  },
});
