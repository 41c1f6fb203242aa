/*
 * As much of CoAP as it takes to be answered by libcoap, and to answer it (RFC 7252 §3).
 *      0                   1                   2                   3
 *     |Ver| T |  TKL  |      Code     |          Message ID           |
 *     |   Token (if any, TKL bytes) ...
 *     |   Options (if any) ...
 *     |1 1 1 1 1 1 1 1|    Payload (if any) ...
 */

const GET = 1;
const CONTENT = 0x45;
const types = { confirmable: 0, acknowledgement: 2, reset: 3 } as const;

/** Our server's part: what to answer to a message; undefined: nothing. */
export function answerTo(message: Uint8Array, payload: string): Uint8Array | undefined {
  const [first = 0, code = 0, idHigh = 0, idLow = 0] = message;
  if (((first >> 4) & 3) !== types.confirmable) return undefined;
  // RFC 7252 §4.3: an empty confirmable message is a ping.
  if (code === 0) return Uint8Array.of(0x40 | (types.reset << 4), 0, idHigh, idLow);
  const tokenLength = first & 15;
  const token = message.subarray(4, 4 + tokenLength);
  const head = [0x40 | (types.acknowledgement << 4) | tokenLength, CONTENT, idHigh, idLow];
  return Uint8Array.of(...head, ...token, 0xff, ...new TextEncoder().encode(payload));
}

/** A confirmable GET of /.well-known/core with message id and token 1. */
export function getWellKnownCore(): Uint8Array {
  const segments = [".well-known", "core"].map((text) => new TextEncoder().encode(text));
  // Option 11 is Uri-Path; the second one has delta 0.
  const options = segments.flatMap((segment, index) => [
    ((index === 0 ? 11 : 0) << 4) | segment.length,
    ...segment,
  ]);
  return Uint8Array.of(0x41, GET, 0, 1, 1, ...options);
}

/** Whether this is 2.05 to `getWellKnownCore`, with a link in it. */
export function isWellKnownCore(message: Uint8Array): boolean {
  return message[1] === CONTENT && message[4] === 1 && new TextDecoder().decode(message).includes("</");
}
