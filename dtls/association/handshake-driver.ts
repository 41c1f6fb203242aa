import { DtlsError } from "../errors.ts";
import { Reassembly } from "../handshake/reassembly.ts";
import type { Action, Flight, Input, Step } from "../handshake/step.ts";
import { readFragments } from "../wire/handshake.ts";
import { HandshakeType } from "../wire/registry.ts";
import type { Answer, DiscardReason, Question } from "./outputs.ts";
import type { CommonSettings, Environment } from "./settings.ts";

/** What the driver needs of the association that it works for. */
export interface HandshakeHost {
  readonly settings: CommonSettings;
  readonly environment: Environment;
  /** `attempt` counts from 0: later ones may use smaller datagrams. */
  transmit(flight: Flight, attempt: number): void;
  ask(question: Question): number;
  act(action: Exclude<Action, { do: "ask" | "send" }>): void;
  discard(reason: DiscardReason, bytes: number): void;
  fail(error: DtlsError): void;
}

/** The state machine of one side, with its state's type hidden. */
export interface Machine {
  step(input: Input): readonly Action[];
  /** The name of what it awaits. */
  readonly expect: string;
}

export function machineOf<State extends { readonly expect: string }>(
  first: State,
  step: (state: State, input: Input) => Step<State>,
): Machine {
  let state = first;
  return {
    step(input) {
      const next = step(state, input);
      state = next.state;
      return next.actions;
    },
    get expect() {
      return state.expect;
    },
  };
}

/** A plaintext alert or a record that does not open says something, but anybody can have sent it. */
interface Hint {
  readonly error: DtlsError;
  readonly until: number;
}

/** The least time between two sendings of a flight that the peer asks for by repeating its own, in milliseconds. */
const leastRepeatMs = 200;

/**
 * Carries a handshake through: reassembly, the state machine, its questions, and RFC 6347 §4.2.4's timer.
 *
 *                      +-----------+
 *                +---> | PREPARING | <--------------------+
 *                |     +-----------+                      |
 *                |           | buffer next flight         |
 *                |           v                            |
 *                |     +-----------+                      |
 *                |     |  SENDING  | <------------------+ |
 *                |     +-----------+                    | |
 *        receive |           | send flight              | | next flight: its steps are the PREPARING
 *           next |           v                          | |
 *         flight |     +-----------+  timer, or the     | |
 *                +-----|  WAITING  |  peer repeats its  | |
 *                      +-----------+--flight------------+ |
 *                            | receive last flight        |
 *                            v                            |
 *                      +-----------+                      |
 *                      | FINISHED  | ---------------------+
 *                      +-----------+
 */
export class HandshakeDriver {
  readonly #host: HandshakeHost;
  readonly #machine: Machine;
  readonly #reassembly: Reassembly;
  readonly #endAt: number;
  /** The question whose answer the machine waits for. */
  #question: number | undefined;
  #flight: { readonly flight: Flight; readonly awaitsReply: boolean; attempt: number } | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;
  #intervalMs: number;
  #retransmitAt: number | undefined;
  /**
   * A ChangeCipherSpec that overtook the messages before it, as a datagram may. It is remembered, once, and acted on
   * in its one legal place: nothing is derived or read before.
   */
  #changeCipherSpecHeld = false;
  #epoch: 0 | 1 = 0;
  #hint: Hint | undefined;
  #lastDiscard: DiscardReason | undefined;
  #peerRandom: Uint8Array | undefined;
  #ended = false;

  /** `firstSeq` is the message_seq of the peer's first message. */
  constructor(host: HandshakeHost, machine: Machine, firstSeq: number) {
    const { settings, environment } = host;
    this.#host = host;
    this.#machine = machine;
    this.#reassembly = new Reassembly(
      { maxMessageBytes: settings.maxHandshakeMessageBytes, maxQueuedBytes: settings.maxQueuedBytes },
      firstSeq,
    );
    this.#endAt = environment.now() + settings.handshakeTimeoutMs;
    this.#intervalMs = settings.retransmission.initialMs;
  }

  get expect(): string {
    return this.#machine.expect;
  }

  /** The random of the ClientHello that a server works on. */
  get peerRandom(): Uint8Array | undefined {
    return this.#peerRandom;
  }

  /** When `onTimeout` has something to do, on the environment's clock. */
  get deadline(): number {
    const end = Math.min(this.#endAt, this.#hintUntil);
    return this.#retransmitAt === undefined ? end : Math.min(this.#retransmitAt, end);
  }

  /** The last flight, for when the peer shows that it did not arrive. */
  get lastFlight(): Flight | undefined {
    return this.#flight?.awaitsReply === false ? this.#flight.flight : undefined;
  }

  start(): void {
    this.#step({ type: "start" });
  }

  /** The content of a handshake record. Returns whether anything in it was of use. */
  onRecord(content: Uint8Array, epoch: 0 | 1): boolean {
    let fragments: ReturnType<typeof readFragments>;
    try {
      fragments = readFragments(content);
    } catch (error) {
      if (!(error instanceof DtlsError)) throw error;
      this.#discard("malformed_fragment", content.length);
      return false;
    }
    let used = false;
    let repeated = false;
    for (const fragment of fragments) {
      // RFC 5246 §7.4.1.1: a client that is in a handshake ignores HelloRequest; it is in no transcript.
      if (fragment.msgType === HandshakeType.hello_request) {
        this.#discard("unexpected_message", fragment.body.length);
        continue;
      }
      // Each message has its epoch: Finished the new one, all others the old. One that comes ahead in the wrong
      // epoch must not wait for its turn there.
      if (fragment.messageSeq >= this.#reassembly.nextSeq && epoch !== this.#epoch) {
        this.#discard("unexpected_message", fragment.body.length);
        continue;
      }
      const reason = this.#reassembly.add(fragment);
      if (reason === undefined) used = true;
      else this.#discard(reason, fragment.body.length);
      repeated ||= reason === "repeated_message";
    }
    this.#work();
    if (repeated && !this.#ended) this.#onRepeated();
    return used || repeated;
  }

  onChangeCipherSpec(content: Uint8Array): boolean {
    if (content.length !== 1 || content[0] !== 1 || this.#epoch !== 0 || this.#changeCipherSpecHeld) {
      this.#discard("unexpected_change_cipher_spec", content.length);
      return false;
    }
    this.#changeCipherSpecHeld = true;
    this.#work();
    return true;
  }

  /** An answer that nobody waits for any more is none. */
  onAnswer(id: number, answer: Answer): void {
    if (this.#ended || id !== this.#question) return;
    this.#question = undefined;
    if (this.#flight?.awaitsReply === true) this.#retransmitAt = this.#now() + this.#intervalMs;
    // While it was this side's turn, the peer had no way to show that a hint was false.
    if (this.#hint !== undefined) this.#hint = this.#hintOf(this.#hint.error);
    this.#step({ type: "answer", answer });
    this.#work();
  }

  onTimeout(): void {
    const now = this.#now();
    if (now >= this.#endAt || now >= this.#hintUntil) {
      this.#host.fail(this.#hint?.error ?? this.#timedOut());
      return;
    }
    if (this.#retransmitAt === undefined || now < this.#retransmitAt) return;
    // RFC 6347 §4.2.4.1: the whole flight again, the timer doubled up to the maximum.
    this.#intervalMs = Math.min(this.#intervalMs * 2, this.#host.settings.retransmission.maximumMs);
    if (this.#flight !== undefined) this.#flight.attempt += 1;
    this.#send();
  }

  /**
   * Something that anybody on the way could have sent says that this handshake has no future. It is believed only
   * when nothing better comes within three times the first retransmission time.
   */
  hint(error: DtlsError): void {
    this.#hint ??= this.#hintOf(error);
  }

  /** Nothing more is to come of it. */
  end(): void {
    this.#ended = true;
    this.#retransmitAt = undefined;
  }

  // --- PREPARING: whatever is in turn ---

  #work(): void {
    while (!this.#ended && this.#question === undefined) {
      if (this.#machine.expect === "change_cipher_spec" && this.#changeCipherSpecHeld) {
        this.#changeCipherSpecHeld = false;
        this.#epoch = 1;
        // What came ahead of its turn came unprotected.
        this.#reassembly.dropQueued();
        this.#step({ type: "change_cipher_spec" });
        continue;
      }
      const message = this.#reassembly.next();
      if (message === undefined) return;
      // Somebody answers in order: what a spoofed alert said is not so.
      this.#hint = undefined;
      if (message.msgType === HandshakeType.client_hello) this.#peerRandom = message.body.slice(2, 34);
      this.#step({ type: "message", message });
    }
  }

  #step(input: Input): void {
    let actions: readonly Action[];
    try {
      actions = this.#machine.step(input);
    } catch (error) {
      this.#host.fail(asDtlsError(error));
      return;
    }
    for (const action of actions) this.#act(action);
  }

  #act(action: Action): void {
    if (this.#ended) return;
    if (action.do === "ask") {
      const id = this.#host.ask(action.question);
      // A session is kept in the background; whatever else is asked is waited for.
      if (action.question.kind === "store" && !action.question.asTicket) return;
      this.#question = id;
      // The peer's flight is complete; ours has served.
      this.#retransmitAt = undefined;
    } else if (action.do === "send") {
      this.#flight = { flight: action.flight, awaitsReply: action.awaitsReply, attempt: 0 };
      this.#intervalMs = this.#host.settings.retransmission.initialMs;
      this.#send();
    } else {
      this.#host.act(action);
    }
  }

  // --- SENDING ---

  #send(): void {
    if (this.#flight === undefined) return;
    const { flight, awaitsReply, attempt } = this.#flight;
    this.#sentAt = this.#now();
    this.#retransmitAt = awaitsReply ? this.#sentAt + this.#intervalMs : undefined;
    this.#host.transmit(flight, attempt);
  }

  /** RFC 6347 §4.2.4: in WAITING, the peer's flight again means that ours was lost. Not oftener than `leastRepeatMs`. */
  #onRepeated(): void {
    if (this.#question !== undefined || this.#now() - this.#sentAt < leastRepeatMs) return;
    this.#send();
  }

  #discard(reason: DiscardReason, bytes: number): void {
    if (reason !== "repeated_message") this.#lastDiscard = reason;
    this.#host.discard(reason, bytes);
  }

  #hintOf(error: DtlsError): Hint {
    return { error, until: this.#now() + 3 * this.#host.settings.retransmission.initialMs };
  }

  get #hintUntil(): number {
    return this.#question === undefined ? (this.#hint?.until ?? this.#endAt) : this.#endAt;
  }

  #timedOut(): DtlsError {
    const discarded =
      this.#lastDiscard === undefined ? "" : `; something was discarded: ${this.#lastDiscard}`;
    const { handshakeTimeoutMs } = this.#host.settings;
    return new DtlsError(
      "DTLS_HANDSHAKE_TIMEOUT",
      `no complete handshake within ${handshakeTimeoutMs} ms, ${this.#machine.expect} was awaited${discarded}`,
    );
  }

  #now(): number {
    return this.#host.environment.now();
  }
}

export function asDtlsError(error: unknown): DtlsError {
  if (error instanceof DtlsError) return error;
  return new DtlsError("DTLS_INTERNAL_ERROR", "the handshake failed inside this program", { cause: error });
}
