import {
  DtlsContentType,
  dtlsRecord,
  handshakeIn,
  type PathDatagram,
  wholeMessage,
} from "../../path/datagram-record.ts";

/** A record number that the real peer will not reach within its handshake. */
const sequence = 60;

export function forgedMessage(msgType: number, messageSeq: number, body: Uint8Array): Uint8Array {
  return dtlsRecord(
    { type: DtlsContentType.handshake, epoch: 0, sequence },
    wholeMessage(msgType, messageSeq, body),
  );
}

/** RFC 5246 §7.2: level fatal. */
export function forgedAlert(description: number): Uint8Array {
  return dtlsRecord({ type: DtlsContentType.alert, epoch: 0, sequence }, Uint8Array.of(2, description));
}

/** The first fragment of this kind of message in a datagram. */
export function messageIn({ records }: PathDatagram, msgType: number) {
  return handshakeIn(records).find((fragment) => fragment.msgType === msgType);
}
