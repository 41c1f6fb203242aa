import { writeFragment, writeMessage } from "../../../dtls/wire/handshake.ts";
import { ClientHello, HelloVerifyRequest } from "../../../dtls/wire/hello.ts";
import { decode, encode } from "../../../dtls/wire/presentation.ts";
import { writePlaintextRecord } from "../../../dtls/wire/record.ts";
import { capturedClientHellos } from "../dtls/client-hellos.ts";

export interface HelloFields {
  readonly random?: Uint8Array;
  readonly cookie?: Uint8Array;
  readonly clientVersion?: number;
  readonly sessionId?: Uint8Array;
  readonly cipherSuites?: readonly number[];
  readonly compressionMethods?: readonly number[];
  readonly extensionBytes?: number;
  /** Of the record and of the message. */
  readonly sequence?: number;
  readonly messageSeq?: number;
  readonly recordVersion?: number;
}

/** A ClientHello in one datagram. */
export function hello(fields: HelloFields = {}): Uint8Array {
  const { sequence = 0, messageSeq = 0, recordVersion } = fields;
  return writePlaintextRecord(22, sequence, writeMessage(1, messageSeq, helloBody(fields)), recordVersion);
}

/** The same in several datagrams, the body cut after so many bytes each. */
export function helloFragments(fields: HelloFields, bytes: number): Uint8Array[] {
  const body = helloBody(fields);
  const { sequence = 0, messageSeq = 0 } = fields;
  const datagrams: Uint8Array[] = [];
  for (let offset = 0; offset < body.length; offset += bytes) {
    const fragment = writeFragment(1, body.length, messageSeq, offset, body.subarray(offset, offset + bytes));
    datagrams.push(writePlaintextRecord(22, sequence + datagrams.length, fragment));
  }
  return datagrams;
}

/** The cookie of a HelloVerifyRequest datagram. */
export function cookieIn(datagram: Uint8Array): Uint8Array {
  return decode("HelloVerifyRequest", HelloVerifyRequest, datagram.subarray(25)).cookie;
}

/** First ClientHellos of other programs. */
export function captured(): readonly Uint8Array[] {
  return capturedClientHellos.map(({ first }) => first);
}

function helloBody(fields: HelloFields): Uint8Array {
  const extensionBytes = fields.extensionBytes ?? 0;
  return encode(ClientHello, {
    clientVersion: fields.clientVersion ?? 0xfefd,
    random: fields.random ?? new Uint8Array(32).fill(7),
    sessionId: fields.sessionId ?? new Uint8Array(),
    cookie: fields.cookie ?? new Uint8Array(),
    cipherSuites: fields.cipherSuites ?? [0xc02b],
    compressionMethods: fields.compressionMethods ?? [0],
    ...(extensionBytes === 0
      ? {}
      : { extensions: [{ extensionType: 0xabcd, extensionData: new Uint8Array(extensionBytes) }] }),
  });
}
