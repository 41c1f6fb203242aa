import { broken, type Finding, held } from "../../attack.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import type { RawTcp } from "../../path/raw-tcp.ts";
import { TlsContentType, tlsRecord } from "../../path/tls-record.ts";
import { extension } from "../../tls/extensions.ts";
import {
  type ClientHello,
  clientHello,
  decode,
  type RawExtension,
  ServerHello,
  withHeader,
} from "../../tls/messages.ts";
import { HandshakeType, helloRetryRequestRandom, NamedGroup, SignatureScheme } from "../../tls/numbers.ts";

/*
 * First hellos written by hand, and what a gateway answers to them. A gateway that keeps the rule refuses at once, so
 * that no key is needed to tell.
 */

export interface FirstHello extends Partial<Omit<ClientHello, "extensions">> {
  readonly cipherSuites: readonly number[];
  readonly groups?: readonly number[];
  readonly signatureSchemes?: readonly number[];
  /** Further extensions. */
  readonly extensions?: readonly RawExtension[];
}

/** A ClientHello of TLS 1.2, which the extensions may make one of 1.3, in one record. */
export function firstHello(lab: GatewayLab, hello: FirstHello): Uint8Array {
  const { groups = [NamedGroup.x25519, NamedGroup.secp256r1], signatureSchemes = goodSchemes } = hello;
  const { serverName } = lab.target;
  const message = clientHello({
    legacyVersion: 0x0303,
    random: lab.prng.bytes(32),
    sessionId: new Uint8Array(),
    compressionMethods: [0],
    ...hello,
    extensions: [
      ...(serverName === undefined ? [] : [extension.serverName(serverName)]),
      extension.supportedGroups(groups),
      extension.ecPointFormats(),
      extension.signatureAlgorithms(signatureSchemes),
      extension.renegotiationInfo(),
      extension.extendedMasterSecret(),
      ...(hello.extensions ?? []),
    ],
  });
  return tlsRecord(TlsContentType.handshake, withHeader(message), 0x0301);
}

const goodSchemes: readonly number[] = [
  SignatureScheme.ecdsa_secp256r1_sha256,
  SignatureScheme.ecdsa_secp384r1_sha384,
  SignatureScheme.ed25519,
  SignatureScheme.rsa_pss_rsae_sha256,
  SignatureScheme.rsa_pkcs1_sha256,
];

/** What came back of a first hello. */
export interface Answer {
  /** The server went on: its ServerHello. */
  readonly hello: ServerHello | undefined;
  /** ServerHello is a HelloRetryRequest. */
  readonly isRetry: boolean;
  /** The body of its ServerKeyExchange, where one came before the end of its flight. */
  readonly keyExchange: Uint8Array | undefined;
  /** Bytes that are no TLS, or none that a hello is answered with. */
  readonly oddBytes: Uint8Array | undefined;
  /** "alert handshake_failure", "closed", "silent for 300 ms". */
  readonly how: string;
  readonly alert: string | undefined;
}

/** Sends it, marked as the attack, and reads the answer. */
export async function answerTo(lab: GatewayLab, record: Uint8Array, note: string): Promise<Answer> {
  const raw = await lab.tcp();
  raw.write(record, { attack: true, note });
  return readAnswer(raw, lab.patience.answerMs);
}

/** Reads on until the server has said all of its flight, refused, or fallen silent. */
async function readAnswer(raw: RawTcp, answerMs: number): Promise<Answer> {
  const none = {
    hello: undefined,
    isRetry: false,
    keyExchange: undefined,
    oddBytes: undefined,
    alert: undefined,
  };
  let answer: Answer = { ...none, how: "" };
  let bytes: Uint8Array = new Uint8Array();
  const deadline = performance.now() + answerMs;
  for (;;) {
    const next = await raw.read(Math.max(1, deadline - performance.now()));
    if (next.kind === "alert") return { ...answer, how: `alert ${next.alert}`, alert: next.alert };
    if (next.kind === "closed") return { ...answer, how: `${next.how} without an alert` };
    if (next.kind === "silence") return { ...answer, how: `silent for ${answerMs} ms` };
    if (next.data[0] !== TlsContentType.handshake) {
      return answer.hello === undefined
        ? { ...answer, oddBytes: next.data, how: "bytes that are no handshake" }
        : { ...answer, how: "its flight goes on under keys" };
    }
    bytes = Buffer.concat([bytes, next.data.subarray(5)]);
    const { messages, rest } = messagesIn(bytes);
    bytes = rest;
    for (const { msgType, body } of messages) {
      answer = { ...answer, ...meaningOf(msgType, body) };
      if (msgType === HandshakeType.server_hello_done || answer.isRetry) return { ...answer, how: "went on" };
    }
  }
}

/** "broken" where `isBad` finds that the server went along. */
export function judgeAnswer(
  lab: GatewayLab,
  answer: Answer,
  isBad: (answer: Answer) => string | undefined,
): Finding {
  const bad = isBad(answer);
  if (bad !== undefined) return broken(bad);
  const { how, alert, hello } = answer;
  if (hello !== undefined) return held(`${how}, without it`);
  const said = lab.target.refusals?.().at(-1);
  return held(said === undefined ? how : `${how}; the target says: ${said}`, {
    refusedAt: "ClientHello",
    alert,
  });
}

/** Whole handshake messages in clear, and what is left. */
export function messagesIn(bytes: Uint8Array): {
  readonly messages: ReadonlyArray<{ readonly msgType: number; readonly body: Uint8Array }>;
  readonly rest: Uint8Array;
} {
  const messages = [];
  let at = 0;
  while (bytes.length - at >= 4) {
    const [msgType = 0, high = 0, middle = 0, low = 0] = bytes.subarray(at, at + 4);
    const end = at + 4 + high * 65_536 + middle * 256 + low;
    if (end > bytes.length) break;
    messages.push({ msgType, body: bytes.subarray(at + 4, end) });
    at = end;
  }
  return { messages, rest: bytes.subarray(at) };
}

function meaningOf(msgType: number, body: Uint8Array): Partial<Answer> {
  if (msgType === HandshakeType.server_key_exchange) return { keyExchange: body };
  if (msgType !== HandshakeType.server_hello) return {};
  try {
    const hello = decode("ServerHello", ServerHello, body);
    return { hello, isRetry: Buffer.compare(hello.random, helloRetryRequestRandom) === 0, how: "went on" };
  } catch {
    return { oddBytes: body };
  }
}
