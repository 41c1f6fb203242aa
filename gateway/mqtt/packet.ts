/**
 * MQTT 3.1.1 §2.2: the fixed header
 *
 *     byte 1   | packet type (7-4) | flags (3-0) |
 *     byte 2.. | remaining length, 1 to 4 bytes, 7 bits each, least significant first |
 */
export const packetType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  DISCONNECT: 14,
} as const;

/** First bytes that a client may send: type and flags together (MQTT 3.1.1 §2.2.2, table 2.2). */
export const clientFirstByte: readonly boolean[] = Array.from({ length: 256 }, (_, byte) => {
  const type = byte >> 4;
  const flags = byte & 0x0f;
  switch (type) {
    case packetType.PUBLISH:
      // MQTT 3.1.1 §3.3.1.2: both QoS bits set is malformed; MQTT-3.3.1-2: DUP is 0 at QoS 0.
      return (flags & 0x06) !== 0x06 && (flags & 0x0e) !== 0x08;
    case 6: // PUBREL
    case 8: // SUBSCRIBE
    case 10: // UNSUBSCRIBE
      return flags === 0x02;
    case packetType.CONNECT:
    case 4: // PUBACK
    case 5: // PUBREC
    case 7: // PUBCOMP
    case 12: // PINGREQ
    case packetType.DISCONNECT:
      return flags === 0;
    default:
      return false;
  }
});

/** Types whose variable header is a packet identifier first, as PUBACK to UNSUBSCRIBE are (MQTT 3.1.1 §2.3.1). */
export function beginsWithIdentifier(type: number): boolean {
  return type >= 4 && type <= 10;
}

/** MQTT 3.1.1 §3.2.2.3: the CONNECT return codes that refuse. */
export const connectReturnCode = {
  unacceptableProtocolVersion: 1,
  identifierRejected: 2,
  serverUnavailable: 3,
  badUserNameOrPassword: 4,
  notAuthorized: 5,
} as const;

/** A CONNACK that refuses, for a client of MQTT 3.1.1. */
export function connack(returnCode: number): Uint8Array {
  return Uint8Array.of(0x20, 0x02, 0x00, returnCode);
}

/**
 * MQTT 5.0 §3.2: CONNACK, reason code 0x84 (Unsupported Protocol Version), no properties. A client that says
 * version 5 must be answered in version 5.
 */
export const connackUnsupportedVersion5: Uint8Array = Uint8Array.of(0x20, 0x03, 0x00, 0x84, 0x00);

const protocolNameAndLength = Buffer.from("\u0000\u0004MQTT", "latin1");
/** Bytes of the CONNECT's variable header up to the protocol level. */
export const protocolHeaderBytes: number = protocolNameAndLength.length + 1;

/** MQTT 3.1.1 §3.1.2.1: the protocol level, or undefined where the protocol's name is not "MQTT". */
export function protocolLevel(variableHeader: Uint8Array): number | undefined {
  if (variableHeader.length < protocolHeaderBytes) return undefined;
  if (protocolNameAndLength.compare(variableHeader, 0, protocolNameAndLength.length) !== 0) return undefined;
  return variableHeader[protocolNameAndLength.length];
}
