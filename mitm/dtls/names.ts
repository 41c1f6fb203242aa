import { AlertDescription, ContentType, HandshakeType, nameOf } from "../../dtls/wire/registry.ts";

/** The names that RFC 5246 §7.4 and RFC 6347 §4.3.2 give the messages, for transcripts and scripts. */
const messageNames: ReadonlyMap<number, string> = new Map([
  [HandshakeType.hello_request, "HelloRequest"],
  [HandshakeType.client_hello, "ClientHello"],
  [HandshakeType.server_hello, "ServerHello"],
  [HandshakeType.hello_verify_request, "HelloVerifyRequest"],
  [HandshakeType.new_session_ticket, "NewSessionTicket"],
  [HandshakeType.certificate, "Certificate"],
  [HandshakeType.server_key_exchange, "ServerKeyExchange"],
  [HandshakeType.certificate_request, "CertificateRequest"],
  [HandshakeType.server_hello_done, "ServerHelloDone"],
  [HandshakeType.certificate_verify, "CertificateVerify"],
  [HandshakeType.client_key_exchange, "ClientKeyExchange"],
  [HandshakeType.finished, "Finished"],
]);

/** What a script can name: every handshake message, and ChangeCipherSpec, which is none. */
export type MessageName =
  | "ClientHello"
  | "ServerHello"
  | "Certificate"
  | "ServerKeyExchange"
  | "CertificateRequest"
  | "ServerHelloDone"
  | "CertificateVerify"
  | "ClientKeyExchange"
  | "ChangeCipherSpec"
  | "Finished";

export function messageName(msgType: number): string {
  return messageNames.get(msgType) ?? `handshake message of type ${msgType}`;
}

export function msgTypeOf(name: MessageName): number | undefined {
  for (const [msgType, known] of messageNames) if (known === name) return msgType;
  return undefined;
}

export function alertName(description: number): string {
  return nameOf(AlertDescription, description);
}

/** @throws RangeError for a name that RFC 5246 §7.2 and its successors do not have */
export function alertNumber(name: string): number {
  const number = Object.entries(AlertDescription).find(([known]) => known === name)?.[1];
  if (number === undefined) throw new RangeError(`no alert is named ${name}`);
  return number;
}

export function contentTypeName(type: number): string {
  return nameOf(ContentType, type);
}
