import {
  DtlsContentType,
  type DtlsRecord,
  dtlsRecord,
  fragmentsIn,
  wholeMessage,
} from "./datagram-record.ts";
import { clientHelloBody, type Hello, readClientHello, readServerHello, serverHelloBody } from "./hello.ts";
import {
  handshakeBytes,
  handshakeMessagesIn,
  type PathRecord,
  TlsContentType,
  tlsRecord,
} from "./tls-record.ts";

const clientHello = 1;
const serverHello = 2;

/** The hello that a TLS record begins with; undefined where it begins with anything else. */
export function helloIn({ contentType, isProtected, fragment }: PathRecord): Hello | undefined {
  if (contentType !== TlsContentType.handshake || isProtected) return undefined;
  const [message] = handshakeMessagesIn(fragment);
  if (message?.msgType === clientHello) return readClientHello(message.body, false);
  return message?.msgType === serverHello ? readServerHello(message.body) : undefined;
}

/** The record with a changed hello; what follows the hello in it stays. Undefined where there is no hello. */
export function rewriteTlsHello(record: PathRecord, change: (hello: Hello) => Hello): Uint8Array | undefined {
  const hello = helloIn(record);
  const [message] = handshakeMessagesIn(record.fragment);
  if (hello === undefined || message === undefined) return undefined;
  const changed = change(hello);
  const body = message.msgType === clientHello ? clientHelloBody(changed) : serverHelloBody(changed);
  const rest = record.fragment.subarray(4 + message.body.length);
  const fragment = Buffer.concat([handshakeBytes(message.msgType, body), rest]);
  return tlsRecord(TlsContentType.handshake, fragment, record.version);
}

/** The datagram with every whole ClientHello in it changed; undefined where there is none. */
export function rewriteDtlsClientHello(
  records: readonly DtlsRecord[],
  change: (hello: Hello) => Hello,
): Uint8Array | undefined {
  let found = false;
  const changed = records.map((record) => {
    if (record.epoch !== 0 || record.type !== DtlsContentType.handshake) return record.bytes;
    const [fragment] = fragmentsIn(record.fragment);
    if (fragment?.msgType !== clientHello || fragment.body.length !== fragment.length) return record.bytes;
    const hello = readClientHello(fragment.body, true);
    if (hello === undefined) return record.bytes;
    found = true;
    const body = clientHelloBody(change(hello));
    return dtlsRecord(record, wholeMessage(clientHello, fragment.messageSeq, body));
  });
  return found ? Buffer.concat(changed) : undefined;
}
