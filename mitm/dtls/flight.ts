import { handshakeHeaderLength, writeFragment, writeMessage } from "../../dtls/wire/handshake.ts";
import { ContentType } from "../../dtls/wire/registry.ts";
import type { Forgery } from "./records.ts";

/** Something that goes into one record; it is sealed anew each time that it is sent. */
export interface Unit {
  readonly type: number;
  readonly fragment: Uint8Array;
  readonly forgery: Forgery;
}

/** A handshake message in fragments that fit, each for a record of its own (RFC 6347 §4.2.3). */
export function unitsOfMessage(
  message: { readonly msgType: number; readonly messageSeq: number; readonly body: Uint8Array },
  epoch: number,
  room: number,
): Unit[] {
  const { msgType, messageSeq, body } = message;
  const part = Math.max(16, room - handshakeHeaderLength);
  const forgery = { epoch };
  if (body.length <= part) {
    return [{ type: ContentType.handshake, fragment: writeMessage(msgType, messageSeq, body), forgery }];
  }
  const units: Unit[] = [];
  for (let offset = 0; offset < body.length; offset += part) {
    const fragment = writeFragment(
      msgType,
      body.length,
      messageSeq,
      offset,
      body.subarray(offset, offset + part),
    );
    units.push({ type: ContentType.handshake, fragment, forgery });
  }
  return units;
}

/** Packs records into as few datagrams as `mtu` allows, in order. */
export function datagramsOf(records: readonly Uint8Array[], mtu: number): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  let open: Uint8Array[] = [];
  let length = 0;
  for (const record of records) {
    if (open.length > 0 && length + record.length > mtu) {
      datagrams.push(Buffer.concat(open));
      open = [];
      length = 0;
    }
    open.push(record);
    length += record.length;
  }
  if (open.length > 0) datagrams.push(Buffer.concat(open));
  return datagrams;
}
