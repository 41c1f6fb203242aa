import type { AssociationState } from "../association/association-state.ts";
import type { Answer, CredentialRequest, Output, PeerClaim, Question } from "../association/outputs.ts";
import type { Address } from "../association/settings.ts";
import { DtlsError, type DtlsErrorCode } from "../errors.ts";
import type { ResumableSession } from "../handshake/session.ts";
import type { EndpointAssociation } from "./association-port.ts";
import type { TableEntry } from "./association-table.ts";
import { LatePromise } from "./late-promise.ts";
import { pskTagOf } from "./psk-tag.ts";
import { answerTo, type Knowledge } from "./questions.ts";
import type { Scheduler } from "./scheduler.ts";
import type { DTLSSession } from "./session.ts";
import type { EndpointStats } from "./stats.ts";

/** What a connection needs of the endpoint that it belongs to; one for all of them. */
export interface ConnectionHost {
  readonly scheduler: Scheduler;
  readonly stats: EndpointStats;
  readonly knowledge: Knowledge;
  readonly onkeylog: ((line: string) => void) | undefined;
  transmit(datagram: Uint8Array, to: Address): void;
  /** Records to us carry this id from now on. */
  onConnectionId(connection: Connection, id: Uint8Array): void;
  onEstablished(connection: Connection): void;
  onMoved(connection: Connection, to: Address): void;
  /** Client: something to resume with later. */
  onSession(connection: Connection, session: ResumableSession): void;
  onClosed(connection: Connection, error: DtlsError | undefined): void;
  /** A callback of the application threw. */
  onCallbackError(thrown: unknown, connection: Connection): void;
}

/** Ends that say nothing against resuming: all others are fatal in the sense of RFC 5246 §7.2.2. */
const harmlessEnds: ReadonlySet<DtlsErrorCode> = new Set<DtlsErrorCode>([
  "DTLS_CLOSED",
  "DTLS_EVICTED",
  "DTLS_HANDSHAKE_TIMEOUT",
  "DTLS_IDLE",
  "DTLS_PEER_GONE",
  "DTLS_SEQUENCE_EXHAUSTED",
]);

/**
 * Drives one association: gives it datagrams, answers and time, and carries out what it says, in order. Callbacks of
 * the application run here alone, outside of the association, so that they may call anything; what they throw stays
 * here.
 */
export class Connection {
  readonly association: EndpointAssociation;
  readonly createdAt: number;
  /** Its place in the table; undefined for a client. */
  entry: TableEntry<Connection> | undefined;
  /** What the application holds; a server's exists once it is established. */
  session: DTLSSession | undefined;
  /** What the application said of the peer; `endpoint.recheck()` may change it. */
  identity: unknown;
  /** Server: of the pre-shared key that the peer proved, in this handshake or the one that is resumed. */
  pskTag: Uint8Array | undefined;
  /** The claim that was judged, for a report when nothing comes of it. */
  claim: PeerClaim | undefined;
  /** Milliseconds since 1970; undefined: does not end by itself. */
  expiresAt: number | undefined;
  /** The round of `recheck` in which the peer was judged. */
  judgedIn = 0;
  establishedAt: number | undefined;
  heardAt: number;
  bytesReceived = 0;
  bytesSent = 0;
  messagesReceived = 0;
  messagesSent = 0;
  readonly opened = new LatePromise<{ readonly protocol: string }>();
  readonly closed = new LatePromise<void>();
  readonly #host: ConnectionHost;
  #isClosed = false;
  /** The application, or the endpoint, ended it: nothing is told any more but that it closed. */
  #endedHere = false;
  #pumping = false;
  #hasConnectionId = false;
  #cancelTimer: (() => void) | undefined;
  #timerAt = 0;
  /** A session of this handshake that was kept under its id, and whether it was one of an earlier handshake. */
  #stored: { readonly sessionId: Uint8Array; readonly resumed: boolean } | undefined;
  /** What to report in place of what the association says. */
  #end: { readonly error: DtlsError | undefined } | undefined;

  constructor(host: ConnectionHost, association: EndpointAssociation) {
    this.#host = host;
    this.association = association;
    this.createdAt = host.scheduler.now();
    this.heardAt = this.createdAt;
  }

  /** From the call that ends it on, or from when the peer's end has been told. */
  get isClosed(): boolean {
    return this.#isClosed || this.#endedHere;
  }

  get isEstablished(): boolean {
    return this.establishedAt !== undefined;
  }

  /** For an association that was established elsewhere and goes on here. */
  resumeEstablished(identity: unknown): void {
    this.identity = identity;
    this.establishedAt = this.#host.scheduler.now();
    this.opened.resolve({ protocol });
    this.#run();
  }

  start(): void {
    this.association.start();
    this.#run();
  }

  /** Whether anything in the datagram was authentic, or of use to the handshake. */
  receive(datagram: Uint8Array, from: Address): boolean {
    const { association } = this;
    const known = association.address;
    // The same object says "from where it always comes from", which is quick to see.
    const isKnown = known.port === from.port && known.address === from.address;
    // A copy of what may be kept: sockets give objects with more in them.
    const at = isKnown ? known : { address: from.address, port: from.port };
    this.bytesReceived += datagram.length;
    const used = association.handleDatagram(datagram, at);
    if (used) this.heardAt = this.#host.scheduler.now();
    this.#run();
    return used;
  }

  /** @throws DtlsError DTLS_CLOSED, DTLS_MESSAGE_SIZE */
  send(data: Uint8Array): void {
    this.association.send(data);
    this.messagesSent += 1;
    this.#host.stats.messagesSent += 1;
    this.#run();
  }

  /** Orderly, with close_notify; `reported` is what the application is told it was for. */
  close(reported?: DtlsError): void {
    this.#end ??= { error: reported };
    this.#endedHere = true;
    this.association.close();
    this.#run();
  }

  /** With the alert of the error, where it has one; without, in silence. */
  fail(error: DtlsError): void {
    this.#endedHere = true;
    this.association.close(error);
    this.#run();
  }

  /** In silence, and no failure. */
  drop(): void {
    this.#end ??= { error: undefined };
    this.#endedHere = true;
    this.association.close(new DtlsError("DTLS_CLOSED", "the session was destroyed"));
    this.#run();
  }

  /** Ends it here, without a word, for it to go on elsewhere. */
  exportState(): AssociationState {
    this.#end ??= { error: undefined };
    this.#endedHere = true;
    const state = this.association.exportState();
    this.#run();
    return state;
  }

  /** A callback threw, or rejected with it. */
  callbackFailed(thrown: unknown): void {
    // It used a session that had just ended, perhaps by the very datagram that it was called for: no mistake.
    const isLate = thrown instanceof DtlsError && thrown.code === "DTLS_CLOSED";
    if (isLate && this.association.state === "closed") return;
    this.#host.onCallbackError(thrown, this);
  }

  // --- what the association says ---

  /** Carries out what is to be done until there is no more of it; a call from within only adds to it. */
  #run(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (
        let outputs = this.association.takeOutputs();
        outputs.length > 0;
        outputs = this.association.takeOutputs()
      ) {
        for (const output of outputs) this.#carryOut(output);
      }
    } finally {
      this.#pumping = false;
    }
    if (this.#isClosed) return;
    if (!this.#hasConnectionId) this.#lookForConnectionId();
    this.#setTimer();
  }

  #carryOut(output: Output): void {
    const host = this.#host;
    switch (output.type) {
      case "datagram":
        this.bytesSent += output.bytes.length;
        host.transmit(output.bytes, output.to);
        return;
      case "data":
        return this.#onData(output.bytes);
      case "request":
        return this.#onRequest(output.request);
      case "established":
        return this.#onEstablished(output);
      case "address":
        host.stats.addressChanges += 1;
        host.onMoved(this, output.to);
        this.#tell((session) => session.emit("address", { from: output.from, to: output.to }));
        return;
      case "session":
        return host.onSession(this, output.session);
      case "keylog":
        return this.#onKeylog(output.line);
      case "discarded":
        host.stats.discarded[output.reason] += 1;
        return;
      case "closed":
        return this.#onClosed(output.error);
    }
  }

  #onData(bytes: Uint8Array): void {
    this.messagesReceived += 1;
    this.#host.stats.messagesReceived += 1;
    const { session } = this;
    if (session === undefined || this.#endedHere) return;
    try {
      this.#watch(session.onmessage?.(bytes));
      if (!this.isClosed) session.emit("message", bytes);
    } catch (thrown) {
      this.callbackFailed(thrown);
    }
  }

  #onRequest({ id, ...asked }: CredentialRequest): void {
    const question = asked.kind === "store" ? this.#marked(asked) : asked;
    if (question.kind === "peer") this.claim = question.claim;
    const answer = answerTo(question, this.#host.knowledge, this.pskTag);
    if (answer instanceof Promise) {
      // After the end nobody waits for the answer, and the association knows it.
      this.#watch(this.#answerLater(id, answer));
      return;
    }
    if (question.kind === "store" && !question.asTicket) {
      this.#stored = { sessionId: question.session.sessionId, resumed: false };
    }
    this.#noteKey(answer);
    if (answer.kind === "session" && answer.session !== undefined && answer.session.sessionId.length > 0) {
      this.#stored = { sessionId: answer.session.sessionId, resumed: true };
    }
    this.association.answer(id, answer);
  }

  async #answerLater(id: number, later: Promise<Answer>): Promise<void> {
    const answer = await later;
    this.#noteKey(answer);
    this.association.answer(id, answer);
    this.#run();
  }

  #noteKey(answer: Answer): void {
    if (answer.kind === "psk" && answer.psk !== undefined) this.pskTag = pskTagOf(answer.psk.key);
    if (answer.kind === "session") this.pskTag = answer.session?.pskTag;
  }

  #marked(question: Extract<Question, { kind: "store" }>): Question {
    if (question.session.peerCertificateType !== "PSK") return question;
    return { ...question, session: { ...question.session, pskTag: this.pskTag } };
  }

  #onEstablished({ peer, resumed }: Extract<Output, { type: "established" }>): void {
    const { stats, scheduler } = this.#host;
    this.establishedAt = scheduler.now();
    this.identity = peer?.identity;
    this.claim = undefined;
    if (resumed) stats.handshakesResumed += 1;
    else stats.handshakesFull += 1;
    this.opened.resolve({ protocol });
    this.#lookForConnectionId();
    this.#host.onEstablished(this);
    this.#tell((session) => {
      this.#watch(session.onhandshake?.(protocol));
      session.emit("handshake", protocol);
    });
  }

  #onKeylog(line: string): void {
    try {
      this.#watch(this.#host.onkeylog?.(line));
      this.#watch(this.session?.onkeylog?.(line));
    } catch (thrown) {
      this.callbackFailed(thrown);
    }
  }

  #onClosed(said: DtlsError | undefined): void {
    const { error } = this.#end ?? { error: said };
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { stats, knowledge } = this.#host;
    if (error !== undefined) stats.failed[error.code] = (stats.failed[error.code] ?? 0) + 1;
    if (!this.isEstablished) stats.handshakesFailed += 1;
    if (this.#stored !== undefined && error !== undefined && !harmlessEnds.has(error.code)) {
      // Anybody can break a handshake that tries to resume: that must not take the session from its owner.
      if (this.isEstablished || !this.#stored.resumed) knowledge.forgetSession(this.#stored.sessionId);
    }
    if (!this.isEstablished) {
      this.opened.reject(error ?? new DtlsError("DTLS_CLOSED", "closed before the handshake was complete"));
    }
    if (error === undefined) this.closed.resolve();
    else this.closed.reject(error);
    this.#host.onClosed(this, error);
    this.#tell((session) => {
      if (error !== undefined) {
        this.#watch(session.onerror?.(error));
        if (session.listenerCount("error") > 0) session.emit("error", error);
      }
      session.emit("close", error);
    });
  }

  /** Runs callbacks of the application. */
  #tell(call: (session: DTLSSession) => void): void {
    if (this.session === undefined) return;
    try {
      call(this.session);
    } catch (thrown) {
      this.callbackFailed(thrown);
    }
  }

  /** A callback may be asynchronous: what it rejects with is what it would have thrown. */
  #watch(result: unknown): void {
    if (!(result instanceof Promise)) return;
    result.catch((thrown: unknown) => this.callbackFailed(thrown));
  }

  #lookForConnectionId(): void {
    const id = this.association.ownConnectionId;
    if (id === undefined || id.length === 0 || this.#hasConnectionId) return;
    this.#hasConnectionId = true;
    this.#host.onConnectionId(this, id);
  }

  // --- time ---

  /** One timer at most. A deadline that moved away is looked at when the old one comes: no timer per flight. */
  #setTimer(): void {
    const { deadline } = this.association;
    if (deadline === undefined) {
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
      return;
    }
    if (this.#cancelTimer !== undefined) {
      if (this.#timerAt <= deadline) return;
      this.#cancelTimer();
    }
    const { scheduler } = this.#host;
    this.#timerAt = deadline;
    // Never less than a millisecond: timers may come early by a fraction of one.
    this.#cancelTimer = scheduler.after(Math.max(1, deadline - scheduler.now()), () => {
      this.#cancelTimer = undefined;
      this.association.handleTimeout();
      this.#run();
    });
  }
}

export const protocol = "DTLSv1.2";
