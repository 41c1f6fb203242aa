/** What a message carries: bytes from the network, or what a caller inside the process handed in. */
export type Payload = Buffer | string;

/** Bytes that count against the bounds. */
export function sizeOf(packet: { readonly topic: string; readonly payload: Payload }): number {
  return Buffer.byteLength(packet.topic) + Buffer.byteLength(packet.payload);
}

/** A payload is a window into a network chunk; keeping the window would keep the whole chunk. */
export function ownCopy(payload: Payload): Payload {
  if (typeof payload === "string") return payload;
  const copy = Buffer.allocUnsafeSlow(payload.length);
  payload.copy(copy);
  return copy;
}

/** A BLOB comes back as Uint8Array; mqtt-packet and aedes expect a Buffer. */
export function asPayload(stored: Uint8Array | string): Payload {
  return typeof stored === "string"
    ? stored
    : Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
}
