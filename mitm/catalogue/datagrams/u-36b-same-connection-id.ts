import { broken, gatewayAttack, held } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { authentication, overDtls } from "./reference.ts";
import { session } from "./words.ts";

export default gatewayAttack({
  id: "U-36b",
  title: "two associations with the same connection id",
  transports: overDtls,
  defeats: "connection-ids-collide",
  severity: "high",
  reference: authentication(["RFC 9146 §3"], [694, 290]),
  async run(lab) {
    const clients = [];
    for (const own of [1, 2, 3, 4]) {
      const client = await session(lab, { connectionId: Uint8Array.of(own), marks: ["ClientHello"] });
      if ((client.peerConnectionId?.length ?? 0) === 0) {
        throw new NotApplicable("the target hands out no connection id");
      }
      clients.push(client);
    }
    const ids = clients.map(({ peerConnectionId }) => Buffer.from(peerConnectionId ?? []).toString("hex"));
    const different = new Set(ids).size;
    if (different < ids.length)
      return broken(`${ids.length} sessions at one time have ${different} connection ids`);
    return held(`${ids.length} sessions at one time have as many connection ids`);
  },
});
