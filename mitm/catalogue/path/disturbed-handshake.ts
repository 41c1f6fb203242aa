import { broken, type Finding, held } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import { Conversation } from "../../path/conversation.ts";
import type { PathDatagram } from "../../path/datagram-record.ts";
import type { End } from "../../path/ends.ts";
import type { UdpFlow } from "../../path/udp-flow.ts";

/** What the lab says in the name of one end, in a handshake of others. */
export interface Disturbance {
  readonly to: End;
  readonly what: string;
  /** Just before this datagram passes, or is made by the end in question; undefined: not yet. */
  readonly forge: (datagram: PathDatagram, flow: UdpFlow) => readonly Uint8Array[] | undefined;
}

/**
 * Races a handshake with a forged message, once. Whoever takes it fails in that handshake, for nobody can make the rest
 * fit; it must not fail for good. A session of the two ends comes about in the end, and it carries what they say.
 */
export async function disturb(lab: PairLab, { to, what, forge }: Disturbance): Promise<Finding> {
  let disturbed = false;
  const path = await lab.udpPath({
    datagram: (datagram, flow) => {
      const forged = disturbed ? undefined : forge(datagram, flow);
      if (forged === undefined) return undefined;
      disturbed = true;
      for (const bytes of forged) flow.send(to, bytes, what, "forged, before the real one");
      return undefined;
    },
  });
  const session = await lab.session(path);
  const opened = await session.opened;
  if (!disturbed) throw new NotDelivered("the handshake gave no occasion for it");
  if (!opened) return broken(`no session comes about any more after ${what}`);
  const conversation = await Conversation.open(lab, session);
  const amiss = conversation.amiss("gateway") ?? conversation.amiss("device");
  if (amiss !== undefined) return broken(amiss);
  const again = path.flows.length > 1 || hellosIn(path.flows[0]) > 2;
  return held(`the session came about in spite of ${what}`, { next: again ? "tried again" : "went on" });
}

function hellosIn(flow: UdpFlow | undefined): number {
  return flow?.from("device").filter((datagram) => datagram.what.startsWith("ClientHello")).length ?? 0;
}
