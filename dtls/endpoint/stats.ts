import { type DiscardReason, discardReasons } from "../association/outputs.ts";
import type { DtlsErrorCode } from "../errors.ts";

/** Why the endpoint threw a datagram away before any association saw it. */
const endpointDiscardReasons = [
  "too_short",
  "not_a_client_hello",
  "cut_client_hello",
  "later_fragment",
  "unknown_connection_id",
  "unknown_address",
  "busy",
  "too_many_from_host",
  "wrong_worker",
] as const;
export type EndpointDiscardReason = (typeof endpointDiscardReasons)[number];

/** What an endpoint counted since it began. Plain numbers, to be read at any time; nothing is ever reset. */
export interface EndpointStats {
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  packetsReceived: number;
  bytesReceived: number;
  packetsSent: number;
  bytesSent: number;
  /** Datagrams that were not sent: the send queue was full, or the system refused. */
  packetsNotSent: number;
  /** Datagrams handed to the worker that owns their association. */
  packetsForwarded: number;
  /** What the system had to say about the socket, and nothing came of. */
  socketErrors: number;
  /** Cookies that were asked for (HelloVerifyRequest). */
  helloVerifyRequests: number;
  /** Cookies that came back wrong or too late. */
  wrongCookies: number;
  handshakesStarted: number;
  handshakesFull: number;
  handshakesResumed: number;
  handshakesFailed: number;
  /** Live now. */
  sessions: number;
  /** In a handshake now. */
  handshaking: number;
  /** Node's names: sessions established as server and as client. */
  serverSessions: number;
  clientSessions: number;
  /** New peers that found no room. */
  serverBusyCount: number;
  /** Handshakes that were refused or failed. */
  serverRefusedCount: number;
  /** Sessions given up for newer ones. */
  evicted: number;
  /** Sessions ended because nothing was heard, because a certificate expired, because the peer began anew. */
  idle: number;
  expired: number;
  replaced: number;
  restored: number;
  /** RFC 9146 §6: peers that proved to have moved. */
  addressChanges: number;
  messagesReceived: number;
  messagesSent: number;
  /** Exceptions that callbacks of the application threw. */
  callbackErrors: number;
  /** Records, fragments and datagrams thrown away, by reason; `bad_record_mac` are those that did not open. */
  readonly discarded: Record<DiscardReason | EndpointDiscardReason, number>;
  /** Failed handshakes, and sessions that ended in an error, by code. */
  readonly failed: Partial<Record<DtlsErrorCode, number>>;
}

export function newStats(createdAt: number): EndpointStats {
  return {
    createdAt,
    packetsReceived: 0,
    bytesReceived: 0,
    packetsSent: 0,
    bytesSent: 0,
    packetsNotSent: 0,
    packetsForwarded: 0,
    socketErrors: 0,
    helloVerifyRequests: 0,
    wrongCookies: 0,
    handshakesStarted: 0,
    handshakesFull: 0,
    handshakesResumed: 0,
    handshakesFailed: 0,
    sessions: 0,
    handshaking: 0,
    serverSessions: 0,
    clientSessions: 0,
    serverBusyCount: 0,
    serverRefusedCount: 0,
    evicted: 0,
    idle: 0,
    expired: 0,
    replaced: 0,
    restored: 0,
    addressChanges: 0,
    messagesReceived: 0,
    messagesSent: 0,
    callbackErrors: 0,
    discarded: zeroes([...discardReasons, ...endpointDiscardReasons]),
    failed: {},
  };
}

function zeroes<K extends string>(keys: readonly K[]): Record<K, number> {
  const record: Partial<Record<K, number>> = {};
  for (const key of keys) record[key] = 0;
  return complete(record, keys);
}

function complete<K extends string>(
  record: Partial<Record<K, number>>,
  keys: readonly K[],
): Record<K, number> {
  if (!isComplete(record, keys)) throw new Error("unreachable: a counter is missing");
  return record;
}

function isComplete<K extends string>(
  record: Partial<Record<K, number>>,
  keys: readonly K[],
): record is Record<K, number> {
  return keys.every((key) => record[key] !== undefined);
}
