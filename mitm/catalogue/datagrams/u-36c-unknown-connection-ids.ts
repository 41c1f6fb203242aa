import { ContentType, ProtocolVersion } from "../../../dtls/wire/registry.ts";
import { broken, gatewayAttack, held } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { authentication, overDtls } from "./reference.ts";
import { isAlive, session } from "./words.ts";

export default gatewayAttack({
  id: "U-36c",
  title: "records with connection ids that nobody has",
  transports: overDtls,
  defeats: "answers-unknown-connection-ids",
  severity: "low",
  reference: authentication(["RFC 9146 §6"], [204]),
  async run(lab) {
    const client = await session(lab, { connectionId: Uint8Array.of(1) });
    const own = client.peerConnectionId;
    if (own === undefined || own.length === 0)
      throw new NotApplicable("the target hands out no connection id");
    const stranger = await lab.dtls();
    for (let count = 0; count < 8; count += 1) {
      const id = count === 0 ? own.map((byte) => byte ^ 0xff) : lab.prng.bytes(own.length);
      const record = recordWith(id, lab.prng.bytes(40));
      stranger.outgoing.datagram(record, {
        what: "record of tls12_cid",
        attack: true,
        note: "an id that nobody has",
      });
    }
    const answer = await stranger.next(lab.patience.silenceMs);
    // The target is known to read: it speaks on the connection whose id was altered.
    if (!(await isAlive(lab, client))) return broken("the session of a neighbour is gone");
    lab.recorder.receipt("the target answered its own session after these datagrams, on the same socket");
    if (answer !== undefined) return broken("a record with an id that nobody has was answered");
    return held("none was answered");
  },
});

/** RFC 9146 §4: a record of epoch 1 that nobody can open. */
function recordWith(id: Uint8Array, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(11);
  header.writeUInt8(ContentType.tls12_cid, 0);
  header.writeUInt16BE(ProtocolVersion.DTLS_1_2, 1);
  header.writeUInt16BE(1, 3);
  header.writeUInt16BE(content.length, 9);
  // The length stands behind the connection id.
  return Buffer.concat([header.subarray(0, 9), Buffer.alloc(2, 1), id, header.subarray(9), content]);
}
