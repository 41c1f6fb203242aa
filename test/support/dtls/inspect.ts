/*
 * Reads datagrams as somebody on the path does. Written apart from dtls/wire on purpose: what a test sees must not
 * depend on the code that it tests.
 */

/** RFC 5246 §7.4 and RFC 6347 §4.3.2, by number. */
const handshakeNames: Record<number, string> = {
  0: "hello_request",
  1: "client_hello",
  2: "server_hello",
  3: "hello_verify_request",
  4: "new_session_ticket",
  11: "certificate",
  12: "server_key_exchange",
  13: "certificate_request",
  14: "server_hello_done",
  15: "certificate_verify",
  16: "client_key_exchange",
  20: "finished",
};

const contentNames: Record<number, string> = {
  20: "change_cipher_spec",
  21: "alert",
  22: "handshake",
  23: "application_data",
  25: "tls12_cid",
  27: "return_routability_check",
};

export interface SeenRecord {
  readonly type: number;
  readonly version: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly fragment: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface SeenFragment {
  readonly msgType: number;
  readonly length: number;
  readonly messageSeq: number;
  readonly fragmentOffset: number;
  readonly body: Uint8Array;
}

/** `connectionIdLength`: of records of type tls12_cid. What cannot be read ends the list. */
export function recordsIn(datagram: Uint8Array, connectionIdLength = 8): SeenRecord[] {
  const records: SeenRecord[] = [];
  let offset = 0;
  while (offset + 13 <= datagram.length) {
    const view = new DataView(datagram.buffer, datagram.byteOffset + offset, datagram.length - offset);
    const type = view.getUint8(0);
    const header = 13 + (type === 25 ? connectionIdLength : 0);
    if (header > view.byteLength) break;
    const end = header + view.getUint16(header - 2);
    if (end > view.byteLength) break;
    records.push({
      type,
      version: view.getUint16(1),
      epoch: view.getUint16(3),
      sequence: view.getUint16(5) * 2 ** 32 + view.getUint32(7),
      fragment: datagram.subarray(offset + header, offset + end),
      bytes: datagram.subarray(offset, offset + end),
    });
    offset += end;
  }
  return records;
}

/** The handshake fragments in the fragment of an unprotected record. */
export function fragmentsIn(recordFragment: Uint8Array): SeenFragment[] {
  const fragments: SeenFragment[] = [];
  let offset = 0;
  while (offset + 12 <= recordFragment.length) {
    const view = new DataView(recordFragment.buffer, recordFragment.byteOffset + offset);
    const end = offset + 12 + uint24(view, 9);
    if (end > recordFragment.length) break;
    fragments.push({
      msgType: view.getUint8(0),
      length: uint24(view, 1),
      messageSeq: view.getUint16(4),
      fragmentOffset: uint24(view, 6),
      body: recordFragment.subarray(offset + 12, end),
    });
    offset = end;
  }
  return fragments;
}

/** What a datagram holds, in order: "client_hello", "change_cipher_spec", "encrypted handshake", "alert", … */
export function looksAt(datagram: Uint8Array): string[] {
  return recordsIn(datagram).flatMap((record) => {
    const content = contentNames[record.type] ?? `content type ${record.type}`;
    if (record.epoch > 0) return [`encrypted ${content}`];
    if (record.type !== 22) return [content];
    return fragmentsIn(record.fragment).map(({ msgType }) => nameOfHandshake(msgType));
  });
}

/** Every handshake fragment of epoch 0 in a datagram. */
export function handshakeIn(datagram: Uint8Array): SeenFragment[] {
  return recordsIn(datagram)
    .filter(({ type, epoch }) => type === 22 && epoch === 0)
    .flatMap(({ fragment }) => fragmentsIn(fragment));
}

function nameOfHandshake(msgType: number): string {
  return handshakeNames[msgType] ?? `handshake type ${msgType}`;
}

function uint24(view: DataView, offset: number): number {
  return view.getUint8(offset) * 2 ** 16 + view.getUint16(offset + 1);
}
