import type { Answer, Question } from "../association/outputs.ts";
import type { TrafficKey } from "../crypto/prf.ts";
import type { Suite } from "../crypto/suites.ts";
import { DtlsError } from "../errors.ts";
import { writeMessage } from "../wire/handshake.ts";
import { HandshakeType, nameOf } from "../wire/registry.ts";
import { largestPlaintext } from "./limits.ts";
import type { AuthenticatedPeer } from "./peer.ts";
import type { ResumableSession } from "./session.ts";
import type { Transcript } from "./transcript.ts";

/** A whole handshake message, in its turn. */
export interface HandshakeMessage {
  readonly msgType: number;
  readonly messageSeq: number;
  readonly body: Uint8Array;
}

/** What moves the state machine. */
export type Input =
  | { readonly type: "start" }
  | { readonly type: "message"; readonly message: HandshakeMessage }
  | { readonly type: "change_cipher_spec" }
  | { readonly type: "answer"; readonly answer: Answer };

/** One item of a flight (RFC 6347 §4.2.4), whole; cut into fragments when it is sent. */
export type FlightItem =
  | { readonly type: "message"; readonly epoch: 0 | 1; readonly bytes: Uint8Array }
  | { readonly type: "change_cipher_spec" };

export interface Flight {
  readonly items: readonly FlightItem[];
  /**
   * The largest plaintext of a record, in bytes. RFC 6066 §4 means every record by its length; RFC 8449 §4 means
   * protected ones alone, but there are peers whose buffers are as large as they said and no larger.
   */
  readonly recordLimit: number;
}

/** What a step wants done, in order. */
export type Action =
  | { readonly do: "ask"; readonly question: Question }
  /** `awaitsReply`: the peer has more to say, so the flight is sent again until it does. */
  | { readonly do: "send"; readonly flight: Flight; readonly awaitsReply: boolean }
  /** The keys of epoch 1 are known. Nothing is read with them before the peer's ChangeCipherSpec. */
  | { readonly do: "keys"; readonly keys: EpochKeys }
  | { readonly do: "readNextEpoch" }
  | { readonly do: "keylog"; readonly clientRandom: Uint8Array; readonly masterSecret: Uint8Array }
  | { readonly do: "session"; readonly session: ResumableSession }
  | { readonly do: "established"; readonly result: Established };

export interface EpochKeys {
  readonly suite: Suite;
  readonly read: TrafficKey;
  readonly write: TrafficKey;
  /** On records that we send; undefined: none. */
  readonly sendConnectionId: Uint8Array | undefined;
  /** On records that we get; undefined: none. */
  readonly receiveConnectionId: Uint8Array | undefined;
}

/** What both sides agreed on. */
export interface Terms {
  readonly suite: Suite;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
  readonly extendedMasterSecret: boolean;
  readonly serverName: string | undefined;
  readonly alpnProtocol: string | undefined;
  readonly sendConnectionId: Uint8Array | undefined;
  readonly receiveConnectionId: Uint8Array | undefined;
  readonly returnRoutabilityCheck: boolean;
  /** The largest plaintext that may be sent, and that is accepted, in a record. */
  readonly sendLimit: number;
  readonly receiveLimit: number;
  /** RFC 6066 §4: cuts the records of the handshake as well. */
  readonly maxFragmentLength: number | undefined;
  readonly ownCertificateType: "X509" | "RawPublicKey";
  readonly peerCertificateType: "X509" | "RawPublicKey";
  /** The session id of ServerHello. */
  readonly sessionId: Uint8Array;
  /** A NewSessionTicket follows (RFC 5077). */
  readonly ticket: boolean;
}

export interface Established {
  readonly terms: Terms;
  readonly masterSecret: Uint8Array;
  /** Undefined: the peer has no identity, which only settings named `dangerously…` allow. */
  readonly peer: AuthenticatedPeer | undefined;
  readonly resumed: boolean;
}

export interface Step<State> {
  readonly state: State;
  readonly actions: readonly Action[];
}

/** What every state carries on: the messages so far and the number of the next that we send. */
export interface Progress {
  readonly transcript: Transcript;
  readonly sendSeq: number;
}

/** RFC 6347 §4.2.2: `uint16 message_seq;` */
const largestMessageSeq = 2 ** 16 - 1;

/** Collects the messages of a flight, the transcript growing with each. */
export class FlightBuilder {
  readonly items: FlightItem[];
  #transcript: Transcript;
  #sendSeq: number;
  #epoch: 0 | 1 = 0;

  /** `begun`: items of the same flight that are done already. */
  constructor({ transcript, sendSeq }: Progress, begun: readonly FlightItem[] = []) {
    this.items = [...begun];
    this.#transcript = transcript;
    this.#sendSeq = sendSeq;
  }

  /** @throws DtlsError DTLS_SEQUENCE_EXHAUSTED: a server's numbers begin where the client chose (RFC 6347 §4.2.2) */
  add(msgType: number, body: Uint8Array): this {
    if (this.#sendSeq > largestMessageSeq) {
      throw new DtlsError("DTLS_SEQUENCE_EXHAUSTED", "no message_seq is left for the next message");
    }
    const bytes = writeMessage(msgType, this.#sendSeq, body);
    this.items.push({ type: "message", epoch: this.#epoch, bytes });
    this.#transcript = this.#transcript.with(bytes);
    this.#sendSeq += 1;
    return this;
  }

  /** RFC 5246 §7.1: no handshake message, in no transcript; what follows is of the next epoch. */
  changeCipherSpec(): this {
    this.items.push({ type: "change_cipher_spec" });
    this.#epoch = 1;
    return this;
  }

  /** `terms`: undefined before there are any. */
  sent(terms: Terms | undefined, awaitsReply: boolean): Action {
    const flight = { items: this.items, recordLimit: terms?.sendLimit ?? largestPlaintext };
    return { do: "send", flight, awaitsReply };
  }

  get progress(): Progress {
    return { transcript: this.#transcript, sendSeq: this.#sendSeq };
  }
}

/** The message as it stands in the transcript (RFC 6347 §4.2.6). */
export function asTranscribed(message: HandshakeMessage): Uint8Array {
  return writeMessage(message.msgType, message.messageSeq, message.body);
}

export function after(progress: Progress, message: HandshakeMessage): Progress {
  return { transcript: progress.transcript.with(asTranscribed(message)), sendSeq: progress.sendSeq };
}

export function progressOf({ transcript, sendSeq }: Progress): Progress {
  return { transcript, sendSeq };
}

/** The message, if it is the one that may come now. @throws DtlsError DTLS_UNEXPECTED_MESSAGE */
export function expectMessage(input: Input, ...types: readonly number[]): HandshakeMessage {
  if (input.type === "message" && types.includes(input.message.msgType)) return input.message;
  throw unexpected(input, types.map((type) => nameOf(HandshakeType, type)).join(" or "));
}

/** The answer of the kind that was asked for. A refusal throws its error. */
export function expectAnswer<K extends Answer["kind"]>(input: Input, kind: K): Extract<Answer, { kind: K }> {
  if (input.type === "answer") {
    const { answer } = input;
    if (answer.kind === "refused") throw answer.error;
    if (isKind(answer, kind)) return answer;
  }
  throw unexpected(input, `an answer (${kind})`);
}

export function unexpected(input: Input, awaited: string): DtlsError {
  const what = input.type === "message" ? nameOf(HandshakeType, input.message.msgType) : input.type;
  return new DtlsError("DTLS_UNEXPECTED_MESSAGE", `${what} came where ${awaited} was awaited`);
}

function isKind<K extends Answer["kind"]>(answer: Answer, kind: K): answer is Extract<Answer, { kind: K }> {
  return answer.kind === kind;
}
