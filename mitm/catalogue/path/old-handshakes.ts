import type { Finding } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import type { PathDatagram } from "../../path/datagram-record.ts";
import { type End, otherEnd } from "../../path/ends.ts";
import { judgeDropped, openFlow } from "./open-flow.ts";

/** Sends datagrams of the handshake that made a session again, while it is open. */
export async function replayHandshake(
  lab: PairLab,
  to: End,
  which: (datagram: PathDatagram) => boolean,
): Promise<Finding> {
  const open = await openFlow(lab);
  const handshake = open.flow
    .from(otherEnd(to))
    .filter((datagram) => datagram.records.some(({ epoch }) => epoch === 0) && which(datagram));
  if (handshake.length === 0) throw new NotDelivered("the handshake had no such datagram");
  for (const { bytes, what } of handshake) open.flow.send(to, bytes, what, "again, in the open session");
  return judgeDropped(lab, open, to, "messages of its handshake that came again", { used: "obeyed" });
}
