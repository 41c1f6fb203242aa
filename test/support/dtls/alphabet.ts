import { ServerKeyExchangePsk } from "../../../dtls/wire/key-exchange.ts";
import { encode } from "../../../dtls/wire/presentation.ts";
import { AlertDescription, AlertLevel, HandshakeType } from "../../../dtls/wire/registry.ts";
import type { Adversary, MessageOptions } from "./adversary.ts";
import type { AdversaryClient } from "./adversary-client.ts";
import type { AdversaryServer } from "./adversary-server.ts";

/*
 * What an adversary can say, as an alphabet: each letter is one message, made with the real keys as far as they are
 * known. Much as those that model learners use against DTLS, with the wrong epochs and wrong contents added.
 */

export interface Letter {
  readonly name: string;
  /** Handshake messages have numbers and stand in the transcript; the others do not. */
  readonly isHandshake: boolean;
  /** The epoch that it has in a right handshake. */
  readonly epoch: 0 | 1;
}

export interface SpokenLetter<A extends Adversary> extends Letter {
  readonly make: (adversary: A, options: MessageOptions) => Uint8Array;
}

const dataOfEpoch0 = Buffer.from("epoch 0");
export const dataOfEpoch1 = Buffer.from("epoch 1");

/** In the order of a right handshake with a client certificate. */
export const rightClientOrder = [
  "CLIENT_HELLO",
  "CLIENT_HELLO_WITH_COOKIE",
  "CERTIFICATE",
  "CLIENT_KEY_EXCHANGE",
  "CERTIFICATE_VERIFY",
  "CHANGE_CIPHER_SPEC",
  "FINISHED",
] as const;

/** CERTIFICATE_REQUEST may be left out. */
export const rightServerOrder = [
  "HELLO_VERIFY_REQUEST",
  "SERVER_HELLO",
  "CERTIFICATE",
  "SERVER_KEY_EXCHANGE",
  "CERTIFICATE_REQUEST",
  "SERVER_HELLO_DONE",
  "CHANGE_CIPHER_SPEC",
  "FINISHED",
] as const;

/** To a server. */
export const clientAlphabet: readonly SpokenLetter<AdversaryClient>[] = [
  handshake("CLIENT_HELLO", (it, options) => {
    if (it.peerRandom === undefined) it.transcript = [];
    return it.clientHello({ cookie: new Uint8Array() }, options);
  }),
  handshake("CLIENT_HELLO_WITH_COOKIE", (it, options) => {
    if (it.peerRandom === undefined) it.transcript = [];
    return it.clientHello({}, options);
  }),
  handshake("CERTIFICATE", (it, options) => it.certificate(undefined, options)),
  handshake("EMPTY_CERTIFICATE", (it, options) => it.emptyCertificate(options)),
  handshake("CLIENT_KEY_EXCHANGE", (it, options) => it.clientKeyExchange(options)),
  handshake("PSK_CLIENT_KEY_EXCHANGE", (it, options) =>
    it.clientKeyExchange({ ...options, body: Uint8Array.of(0, 2, 0x64, 0x31) }),
  ),
  handshake("CERTIFICATE_VERIFY", (it, options) => it.certificateVerify(options)),
  handshake("WRONG_CERTIFICATE_VERIFY", (it, options) =>
    it.certificateVerify({ ...options, signature: new Uint8Array(71).fill(0x30) }),
  ),
  changeCipherSpec(),
  finished("FINISHED", (it, options) => it.finished(options)),
  finished("WRONG_FINISHED", (it, options) => it.finished({ ...options, verifyData: new Uint8Array(12) })),
  ...lettersOfBoth(),
  ...bare("SERVER_HELLO_DONE", HandshakeType.server_hello_done),
  ...bare("SERVER_HELLO", HandshakeType.server_hello),
  ...bare("CERTIFICATE_REQUEST", HandshakeType.certificate_request),
  ...bare("SERVER_KEY_EXCHANGE", HandshakeType.server_key_exchange),
  ...bare("HELLO_VERIFY_REQUEST", HandshakeType.hello_verify_request),
  ...bare("NEW_SESSION_TICKET", HandshakeType.new_session_ticket),
];

/** To a client. */
export const serverAlphabet: readonly SpokenLetter<AdversaryServer>[] = [
  handshake("HELLO_VERIFY_REQUEST", (it, options) => it.helloVerifyRequest(undefined, options)),
  handshake("SERVER_HELLO", (it, options) => it.serverHello({}, options)),
  handshake("CERTIFICATE", (it, options) => it.certificate(undefined, options)),
  handshake("EMPTY_CERTIFICATE", (it, options) => it.certificate([], options)),
  handshake("SERVER_KEY_EXCHANGE", (it, options) => it.serverKeyExchange(options)),
  handshake("WRONG_SERVER_KEY_EXCHANGE", (it, options) =>
    it.serverKeyExchange({ ...options, signature: new Uint8Array(71).fill(0x30) }),
  ),
  handshake("PSK_SERVER_KEY_EXCHANGE", (it, options) =>
    it.message(
      HandshakeType.server_key_exchange,
      encode(ServerKeyExchangePsk, { pskIdentityHint: Buffer.from("hint") }),
      options,
    ),
  ),
  handshake("CERTIFICATE_REQUEST", (it, options) => it.certificateRequest(options)),
  handshake("SERVER_HELLO_DONE", (it, options) => it.serverHelloDone(options)),
  handshake("NEW_SESSION_TICKET", (it, options) => it.newSessionTicket(undefined, options)),
  changeCipherSpec(),
  finished("FINISHED", (it, options) => it.finished(options)),
  finished("WRONG_FINISHED", (it, options) => it.finished({ ...options, verifyData: new Uint8Array(12) })),
  ...lettersOfBoth(),
  ...bare("CLIENT_HELLO", HandshakeType.client_hello),
  ...bare("CLIENT_KEY_EXCHANGE", HandshakeType.client_key_exchange),
  ...bare("CERTIFICATE_VERIFY", HandshakeType.certificate_verify),
];

export function letterNamed<L extends Letter>(alphabet: readonly L[], name: string): L {
  const letter = alphabet.find((candidate) => candidate.name === name);
  if (letter === undefined) throw new RangeError(`no letter ${name}`);
  return letter;
}

/** How a letter is said. */
export interface Manner {
  readonly rightEpoch: boolean;
  /** It takes a number and a place in the transcript; else it is said beside the handshake. */
  readonly counted: boolean;
}

export const plainly: Manner = { rightEpoch: true, counted: true };

export function say<A extends Adversary>(adversary: A, letter: SpokenLetter<A>, manner: Manner): Uint8Array {
  const epoch = manner.rightEpoch ? letter.epoch : letter.epoch === 0 ? 1 : 0;
  if (!letter.isHandshake || manner.counted) return letter.make(adversary, { epoch });
  return letter.make(adversary, { epoch, messageSeq: adversary.sendSeq, transcribed: false });
}

function handshake<A extends Adversary>(name: string, make: SpokenLetter<A>["make"]): SpokenLetter<A> {
  return { name, isHandshake: true, epoch: 0, make };
}

function finished<A extends Adversary>(name: string, make: SpokenLetter<A>["make"]): SpokenLetter<A> {
  return { name, isHandshake: true, epoch: 1, make };
}

function changeCipherSpec(): SpokenLetter<Adversary> {
  return {
    name: "CHANGE_CIPHER_SPEC",
    isHandshake: false,
    epoch: 0,
    make: (it, { epoch }) => it.changeCipherSpec(epoch),
  };
}

/** A message that the other role sends, or nobody: whatever its body, it has no place. */
function bare(name: string, msgType: number): SpokenLetter<Adversary>[] {
  return [handshake(name, (it, options) => it.message(msgType, new Uint8Array(4), options))];
}

function lettersOfBoth(): SpokenLetter<Adversary>[] {
  return [
    handshake("HELLO_REQUEST", (it, options) => it.helloRequest(options)),
    ...bare("UNKNOWN_HANDSHAKE_TYPE", 99),
    {
      name: "APPLICATION_DATA",
      isHandshake: false,
      epoch: 1,
      make: (it, { epoch }) => it.applicationData(epoch === 0 ? dataOfEpoch0 : dataOfEpoch1, epoch),
    },
    alert("CLOSE_NOTIFY", AlertLevel.warning, AlertDescription.close_notify),
    alert("FATAL_ALERT", AlertLevel.fatal, AlertDescription.handshake_failure),
  ];
}

function alert(name: string, level: number, description: number): SpokenLetter<Adversary> {
  return {
    name,
    isHandshake: false,
    epoch: 1,
    make: (it, { epoch }) => it.alert(level, description, epoch ?? 1),
  };
}
