import type { End } from "./ends.ts";
import { alertName, handshakeName } from "./names.ts";

/** RFC 6347 §4.1, RFC 9146 §4, RFC 9853 §4. */
export const DtlsContentType = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  tls12Cid: 25,
  returnRoutabilityCheck: 27,
} as const;

const dtls12 = 0xfefd;
const headerLength = 13;
const fragmentHeaderLength = 12;

/** A DTLS record as somebody on the path reads it. */
export interface DtlsRecord {
  readonly type: number;
  readonly version: number;
  readonly epoch: number;
  readonly sequence: number;
  /** Empty but for tls12_cid. */
  readonly cid: Uint8Array;
  readonly fragment: Uint8Array;
  readonly bytes: Uint8Array;
}

/** A fragment of a handshake message (RFC 6347 §4.2.2). */
export interface HandshakeFragment {
  readonly msgType: number;
  /** Of the whole message. */
  readonly length: number;
  readonly messageSeq: number;
  readonly fragmentOffset: number;
  readonly body: Uint8Array;
}

/** A datagram on its way. */
export interface PathDatagram {
  readonly from: End;
  /** Counted from 0, in each direction of a flow. */
  readonly index: number;
  /** When it came, of performance.now(). */
  readonly atMs: number;
  readonly bytes: Uint8Array;
  readonly records: readonly DtlsRecord[];
  /** "ClientHello", "ServerHello, Certificate (fragment)", "protected application data". */
  readonly what: string;
}

/**
 * The records of a datagram. `cidLength` is how long the connection ids are that its receiver gave out. What cannot be
 * read ends the list.
 */
export function recordsIn(datagram: Uint8Array, cidLength: number): DtlsRecord[] {
  const records: DtlsRecord[] = [];
  let offset = 0;
  while (offset + headerLength <= datagram.length) {
    const view = new DataView(datagram.buffer, datagram.byteOffset + offset, datagram.length - offset);
    const type = view.getUint8(0);
    const length = type === DtlsContentType.tls12Cid ? cidLength : 0;
    const start = headerLength + length;
    if (start > view.byteLength) break;
    const end = start + view.getUint16(start - 2);
    if (end > view.byteLength) break;
    records.push({
      type,
      version: view.getUint16(1),
      epoch: view.getUint16(3),
      sequence: view.getUint16(5) * 2 ** 32 + view.getUint32(7),
      cid: datagram.subarray(offset + 11, offset + 11 + length),
      fragment: datagram.subarray(offset + start, offset + end),
      bytes: datagram.subarray(offset, offset + end),
    });
    offset += end;
  }
  return records;
}

/** A record of any kind; with a connection id it is laid out as tls12_cid is. */
export function dtlsRecord(
  { type, version = dtls12, epoch, sequence, cid = new Uint8Array() }: RecordHeader,
  fragment: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(headerLength + cid.length + fragment.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, type);
  view.setUint16(1, version);
  view.setUint16(3, epoch);
  view.setUint16(5, Math.floor(sequence / 2 ** 32));
  view.setUint32(7, sequence >>> 0);
  bytes.set(cid, 11);
  view.setUint16(11 + cid.length, fragment.length);
  bytes.set(fragment, headerLength + cid.length);
  return bytes;
}

interface RecordHeader {
  readonly type: number;
  readonly version?: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly cid?: Uint8Array;
}

/** The handshake fragments in the content of a record in clear. */
export function fragmentsIn(content: Uint8Array): HandshakeFragment[] {
  const fragments: HandshakeFragment[] = [];
  let offset = 0;
  while (offset + fragmentHeaderLength <= content.length) {
    const view = new DataView(content.buffer, content.byteOffset + offset);
    const end = offset + fragmentHeaderLength + uint24(view, 9);
    if (end > content.length) break;
    fragments.push({
      msgType: view.getUint8(0),
      length: uint24(view, 1),
      messageSeq: view.getUint16(4),
      fragmentOffset: uint24(view, 6),
      body: content.subarray(offset + fragmentHeaderLength, end),
    });
    offset = end;
  }
  return fragments;
}

/** One fragment with its header; `length` is that of the whole message. */
export function fragmentBytes(fragment: HandshakeFragment): Uint8Array {
  const { msgType, length, messageSeq, fragmentOffset, body } = fragment;
  const bytes = new Uint8Array(fragmentHeaderLength + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, msgType * 2 ** 24 + length);
  view.setUint16(4, messageSeq);
  view.setUint8(6, fragmentOffset >>> 16);
  view.setUint16(7, fragmentOffset & 0xffff);
  view.setUint8(9, body.length >>> 16);
  view.setUint16(10, body.length & 0xffff);
  bytes.set(body, fragmentHeaderLength);
  return bytes;
}

/** A whole handshake message in one fragment. */
export function wholeMessage(msgType: number, messageSeq: number, body: Uint8Array): Uint8Array {
  return fragmentBytes({ msgType, length: body.length, messageSeq, fragmentOffset: 0, body });
}

/** Handshake fragments in clear, of all records of a datagram. */
export function handshakeIn(records: readonly DtlsRecord[]): HandshakeFragment[] {
  return records
    .filter(({ type, epoch }) => type === DtlsContentType.handshake && epoch === 0)
    .flatMap(({ fragment }) => fragmentsIn(fragment));
}

/**
 * The record of a datagram that carries what the application says, as far as can be told: tls12_cid hides its type, and
 * a Finished may come in one together with the rest of its flight.
 */
export function applicationRecordIn(records: readonly DtlsRecord[]): DtlsRecord | undefined {
  if (records.some(({ epoch }) => epoch === 0)) return undefined;
  return records.find(
    ({ type }) => type === DtlsContentType.applicationData || type === DtlsContentType.tls12Cid,
  );
}

/** What a datagram holds, in order. */
export function describe(records: readonly DtlsRecord[]): string {
  if (records.length === 0) return "bytes that are no DTLS record";
  return records.map(describeRecord).join(", ");
}

function describeRecord({ type, epoch, fragment }: DtlsRecord): string {
  switch (type) {
    case DtlsContentType.changeCipherSpec:
      return "ChangeCipherSpec";
    case DtlsContentType.alert:
      return epoch === 0 && fragment.length === 2
        ? `Alert ${alertName(fragment[1] ?? 255)}`
        : "protected alert";
    case DtlsContentType.handshake: {
      // RFC 6347 §4.2.4: the only protected handshake message of a first handshake.
      if (epoch > 0) return "Finished (protected)";
      const names = fragmentsIn(fragment).map(({ msgType, length, body }) =>
        body.length === length ? handshakeName(msgType) : `${handshakeName(msgType)} (fragment)`,
      );
      return names.length === 0 ? "handshake record that cannot be read" : names.join(", ");
    }
    case DtlsContentType.applicationData:
      return epoch === 0 ? "application data in clear" : "application data";
    case DtlsContentType.tls12Cid:
      return "record with a connection id";
    default:
      return `record of content type ${type}`;
  }
}

function uint24(view: DataView, offset: number): number {
  return view.getUint8(offset) * 2 ** 16 + view.getUint16(offset + 1);
}
