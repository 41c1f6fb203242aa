import type { PeerClaim } from "../association/outputs.ts";
import type { Connection } from "./connection.ts";

/** What an established peer once claimed, to be judged again. */
export function claimOf({ association }: Connection): PeerClaim | undefined {
  const { peer, address, serverName } = association;
  if (peer === undefined) return undefined;
  const { certificateType, chain, pskIdentity } = peer;
  return { certificateType, chain, pskIdentity, serverName, address, resumed: true };
}

/**
 * RFC 6347 §4.2.8: a client that began anew from its address has lost its old association. Only one that is found by
 * connection id and belongs to another peer is left alone: a NAT gave the address to another client.
 */
export function isSomebodyElse(old: Connection, successor: Connection): boolean {
  return old.association.ownConnectionId !== undefined && !isSamePeer(old, successor);
}

function isSamePeer(one: Connection, other: Connection): boolean {
  const [a, b] = [one.association.peer, other.association.peer];
  if (a === undefined || b === undefined || a.certificateType !== b.certificateType) return a === b;
  const [left, right] =
    a.certificateType === "PSK" ? [a.pskIdentity, b.pskIdentity] : [a.chain[0], b.chain[0]];
  return left !== undefined && right !== undefined && Buffer.compare(left, right) === 0;
}
