import { broken, type Finding, held } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import { Conversation } from "../../path/conversation.ts";
import type { PathDatagram } from "../../path/datagram-record.ts";
import type { UdpFlow } from "../../path/udp-flow.ts";
import type { DatagramFate, UdpRules } from "../../path/udp-relay.ts";

type Fate = NonNullable<UdpRules["datagram"]>;

/**
 * A handshake on a path that loses, cuts or mixes up datagrams: RFC 6347 §4.2.4, both ends send their flights again until
 * it is done. The session must come about, and be of use.
 */
export async function handshakeIn(lab: PairLab, fate: Fate): Promise<Finding> {
  let changed = 0;
  const path = await lab.udpPath({
    datagram: (datagram, flow) => {
      const what = fate(datagram, flow);
      if (what !== undefined) changed += 1;
      return what;
    },
  });
  const session = await lab.session(path);
  const opened = await session.opened;
  // What comes after the handshake may pass: it is the handshake that is tried.
  path.rules = {};
  if (changed === 0) throw new NotDelivered("no datagram of a handshake passed");
  if (!opened) return broken(`no session comes about on such a path (disturbed datagrams: ${changed})`);
  const conversation = await Conversation.open(lab, session);
  const amiss = conversation.amiss("gateway") ?? conversation.amiss("device");
  if (amiss !== undefined) return broken(amiss);
  const retries = path.flows.length > 1 ? "tried again" : "sent its flights again";
  return held(`the session came about on a path that disturbed its datagrams (${changed})`, {
    next: retries,
  });
}

/** Of each flow, the first datagram that holds what none before it held, as if the path lost every flight once. */
export function firstOfEach(from: PathDatagram["from"]): Fate {
  const seen = new WeakMap<UdpFlow, Set<string>>();
  return (datagram, flow): DatagramFate | undefined => {
    if (datagram.from !== from) return undefined;
    const known = seen.get(flow) ?? new Set();
    seen.set(flow, known);
    if (known.has(datagram.what)) return undefined;
    known.add(datagram.what);
    return { instead: [], note: "lost, the first time" };
  };
}
