import { GatewayError } from "./errors.ts";

/** Every bound of the gateway. All are positive integers unless the field says otherwise. */
export interface Limits {
  /** Time for the TLS handshake, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** Time from the end of the handshake to a complete CONNECT, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Time that `close()` leaves to flush sessions, in milliseconds. */
  readonly closeTimeoutMs: number;
  /** Open connections, handshakes included. */
  readonly connections: number;
  /** Open connections of one address; a site behind one NAT address counts as one. */
  readonly connectionsPerAddress: number;
  /** Unfinished handshakes. */
  readonly handshakes: number;
  /** Unfinished handshakes of one address. */
  readonly handshakesPerAddress: number;
  /** Live sessions (client ids) of one device. */
  readonly sessionsPerDevice: number;
  /** Bytes of one MQTT packet, its fixed header included. */
  readonly packetBytes: number;
  /** Bytes of a CONNECT packet. */
  readonly connectBytes: number;
  /** Bytes of a will's payload. */
  readonly willBytes: number;
  /** UTF-8 bytes of a topic or topic filter (MQTT itself allows 65,535). */
  readonly topicBytes: number;
  /** Levels of a topic or topic filter; at most 100. */
  readonly topicLevels: number;
  readonly subscriptionsPerSession: number;
  /** Bytes that may wait for a peer that does not read, before it is cut off. */
  readonly queuedBytes: number;
  /** PUBLISH packets a second that one connection is read at; above it, the gateway reads more slowly. */
  readonly messagesPerSecond: number;
  /** Bytes a second that one connection is read at; above it, the gateway reads more slowly. */
  readonly bytesPerSecond: number;
  /**
   * Bytes that one connection may send within TLS that are no application data, as KeyUpdates, empty records and
   * padding: so many at once, and so many a second while it takes what it is sent. At least 32,768.
   */
  readonly tlsOverheadBytes: number;
  /** Longest keep-alive accepted, in seconds; 0 accepts any, and none. */
  readonly maximumKeepaliveSeconds: number;
  /** Validated certificates remembered, so that a reconnect does not verify the same signatures again. */
  readonly validatedCertificates: number;
  /** How long a TLS or DTLS session can be resumed, in seconds. */
  readonly tlsSessionSeconds: number;
  /** Time for the DTLS handshake, in milliseconds: datagrams that are lost are sent again after 1, 2, 4 … s. */
  readonly dtlsHandshakeTimeoutMs: number;
  /** DTLS sessions, handshakes included. */
  readonly dtlsSessions: number;
  /** DTLS sessions of one IPv4 address or IPv6 /64; a site behind one NAT address counts as one. */
  readonly dtlsSessionsPerAddress: number;
  /** Unfinished DTLS handshakes. */
  readonly dtlsHandshakes: number;
  /** Unfinished DTLS handshakes of one IPv4 address or IPv6 /64. */
  readonly dtlsHandshakesPerAddress: number;
  /** Live DTLS sessions of one device; one more ends the oldest, for UDP does not tell that a device is gone. */
  readonly dtlsSessionsPerDevice: number;
  /** How long a DTLS session may be silent, in seconds. */
  readonly dtlsIdleSeconds: number;
  /** Bytes of one message over DTLS; longer ones are dropped. */
  readonly dtlsMessageBytes: number;
  /** Messages a second of one DTLS session; more are dropped. */
  readonly dtlsMessagesPerSecond: number;
}

export const defaultLimits: Limits = {
  handshakeTimeoutMs: 10_000,
  connectTimeoutMs: 10_000,
  closeTimeoutMs: 3_000,
  connections: 20_000,
  connectionsPerAddress: 4_096,
  handshakes: 1_024,
  handshakesPerAddress: 256,
  sessionsPerDevice: 8,
  packetBytes: 256 * 1024,
  connectBytes: 64 * 1024,
  willBytes: 16 * 1024,
  topicBytes: 1_024,
  topicLevels: 32,
  subscriptionsPerSession: 100,
  queuedBytes: 4 * 1024 * 1024,
  messagesPerSecond: 20_000,
  bytesPerSecond: 16 * 1024 * 1024,
  tlsOverheadBytes: 64 * 1024,
  maximumKeepaliveSeconds: 0,
  validatedCertificates: 4_096,
  tlsSessionSeconds: 3_600,
  dtlsHandshakeTimeoutMs: 60_000,
  dtlsSessions: 20_000,
  dtlsSessionsPerAddress: 4_096,
  dtlsHandshakes: 1_024,
  dtlsHandshakesPerAddress: 256,
  dtlsSessionsPerDevice: 8,
  dtlsIdleSeconds: 86_400,
  // RFC 7252 §4.6: what a CoAP message may have where nothing else is known.
  dtlsMessageBytes: 1_152,
  dtlsMessagesPerSecond: 100,
};

/** MQTT 3.1.1 §2.2.3: the largest remaining length, plus its own four bytes and the first. */
const largestPacket = 268_435_455 + 5;

const floors: Readonly<Record<string, number>> = {
  // Below it an honest record of which a part has come would be too much.
  tlsOverheadBytes: 32_768,
  maximumKeepaliveSeconds: 0,
};

const ceilings: Readonly<Record<string, number>> = {
  handshakeTimeoutMs: 600_000,
  connectTimeoutMs: 600_000,
  closeTimeoutMs: 600_000,
  packetBytes: largestPacket,
  connectBytes: largestPacket,
  topicBytes: 65_535,
  topicLevels: 100,
  maximumKeepaliveSeconds: 65_535,
  tlsSessionSeconds: 604_800,
  dtlsHandshakeTimeoutMs: 600_000,
  // Timers of 2^31 ms and more fire at once.
  dtlsIdleSeconds: 2_000_000,
  // RFC 5246 §6.2.1: a record's plaintext.
  dtlsMessageBytes: 16_384,
};

/**
 * The defaults with `given` over them.
 * @throws GatewayError GATEWAY_OPTIONS_INVALID for an unknown key or a value out of range.
 */
export function readLimits(given: Partial<Limits> = {}): Limits {
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaultLimits, key)) {
      throw new GatewayError("GATEWAY_OPTIONS_INVALID", `limits.${key} is not a limit`);
    }
    if (value === undefined) continue;
    const lowest = floors[key] ?? 1;
    const highest = ceilings[key] ?? Number.MAX_SAFE_INTEGER;
    if (!Number.isSafeInteger(value) || value < lowest || value > highest) {
      throw new GatewayError(
        "GATEWAY_OPTIONS_INVALID",
        `limits.${key} must be a whole number from ${lowest} to ${highest}`,
      );
    }
  }
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return Object.freeze({ ...defaultLimits, ...defined });
}
