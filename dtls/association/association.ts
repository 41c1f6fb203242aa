import { exportKeyingMaterial } from "../crypto/prf.ts";
import type { Suite } from "../crypto/suites.ts";
import { DtlsError } from "../errors.ts";
import { firstClientState, stepClient } from "../handshake/client12.ts";
import type { AuthenticatedPeer } from "../handshake/peer.ts";
import { firstServerState, stepServer } from "../handshake/server12.ts";
import type { Action, EpochKeys, Established, Flight } from "../handshake/step.ts";
import { Epochs } from "../record/epochs.ts";
import { Opener, Sealer } from "../record/protection.ts";
import { readFragments } from "../wire/handshake.ts";
import { type RawRecord, readRecord } from "../wire/record.ts";
import {
  AlertDescription,
  AlertLevel,
  ContentType,
  HandshakeType,
  nameOf,
  ProtocolVersion,
} from "../wire/registry.ts";
import { alertCode, isFatal, readAlert, writeAlert } from "./alerts.ts";
import type { AssociationState } from "./association-state.ts";
import { Early } from "./early.ts";
import { asDtlsError, HandshakeDriver, type Machine, machineOf } from "./handshake-driver.ts";
import type { Answer, DiscardReason, Output, Question } from "./outputs.ts";
import { PeerPath } from "./peer-path.ts";
import { RecordWriter } from "./record-writer.ts";
import { type KeptTerms, keptTerms, Secrets } from "./secrets.ts";
import type { Address, ClientSettings, CommonSettings, Environment, ServerSettings } from "./settings.ts";

/** The ClientHello that brought the cookie: RFC 6347 §4.2.1 has the answer use its numbers. */
export interface FirstHello {
  readonly recordSequence: number;
  readonly messageSeq: number;
}

/** RFC 6347 §4.2.4: how long the last flight is kept: twice the maximum segment lifetime, in milliseconds. */
const keepLastFlightMs = 240_000;
/** Between two answers to something that is not to be answered often, in milliseconds. */
const leastAnswerMs = 1_000;

/** What is only there until the handshake is done, and shortly after. */
interface Shaking {
  readonly driver: HandshakeDriver;
  readonly early: Early;
  /** When the first record of the new epoch did not open. */
  badMacAt: number | undefined;
}

/**
 * One DTLS association, without a socket: datagrams, answers and time go in, outputs come out (`takeOutputs`). It
 * never throws for what the network says; an error that does come out is the end of it.
 */
export class Association {
  readonly role: "client" | "server";
  readonly #settings: CommonSettings;
  readonly #environment: Environment;
  #state: "handshaking" | "established" | "closed" = "handshaking";
  /** Undefined while there are none: most associations are idle most of the time. */
  #outputs: Output[] | undefined;
  #shaking: Shaking | undefined;
  /** The last flight, until the peer shows that it has arrived. */
  #lastFlight: { readonly flight: Flight; sentAt: number; attempt: number } | undefined;
  #path: PeerPath | undefined;
  #address: Address;
  readonly #epochs = new Epochs();
  readonly #writer: RecordWriter;
  #suite: Suite | undefined;
  #ownConnectionId: Uint8Array | undefined;
  #terms: KeptTerms | undefined;
  #secrets: Secrets | undefined;
  #peer: AuthenticatedPeer | undefined;
  #resumed = false;
  #lastHeardAt: number;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #nextQuestion = 1;

  private constructor(
    role: "client" | "server",
    settings: CommonSettings,
    environment: Environment,
    address: Address,
    plaintextSequence: number,
  ) {
    this.role = role;
    this.#settings = settings;
    this.#environment = environment;
    this.#address = address;
    this.#writer = new RecordWriter(this.#epochs, plaintextSequence);
    this.#lastHeardAt = environment.now();
  }

  /** Nothing is sent before `start`. */
  static client(settings: ClientSettings, environment: Environment, address: Address): Association {
    const association = new Association("client", settings, environment, address, 0);
    const context = { settings, environment, address };
    const machine = machineOf(firstClientState, (state, input) => stepClient(state, input, context));
    association.#shake(machine, 0);
    return association;
  }

  /**
   * For a client whose cookie was found good; the datagram that brought it is then given to `handleDatagram`.
   * RFC 6347 §4.2.1: the answer begins with the sequence number of the ClientHello's record, and with its
   * message_seq.
   */
  static server(
    settings: ServerSettings,
    environment: Environment,
    address: Address,
    first: FirstHello,
  ): Association {
    const association = new Association("server", settings, environment, address, first.recordSequence);
    const context = { settings, environment, address };
    const machine = machineOf(firstServerState(first.messageSeq), (state, input) =>
      stepServer(state, input, context),
    );
    association.#shake(machine, first.messageSeq);
    return association;
  }

  /** Goes on where `exportState` ended. `peer` is what the application has judged anew. */
  static import(
    settings: CommonSettings,
    environment: Environment,
    state: AssociationState,
    peer: AuthenticatedPeer | undefined,
  ): Association {
    const { terms } = state;
    const association = new Association(state.role, settings, environment, state.address, 0);
    const { aead } = terms.suite;
    association.#epochs.install({
      epoch: 1,
      sealer: Sealer.import(aead, state.sealer),
      opener: Opener.import(aead, state.opener),
    });
    association.#epochs.readNext();
    association.#epochs.writeAtLeast(1);
    association.#suite = terms.suite;
    association.#ownConnectionId = nonEmpty(terms.receiveConnectionId);
    association.#terms = keptTerms(terms);
    association.#secrets = new Secrets(terms, state.masterSecret);
    association.#peer = peer;
    association.#resumed = state.resumed;
    association.#state = "established";
    return association;
  }

  // --- what it is ---

  get state(): "handshaking" | "established" | "closed" {
    return this.#state;
  }

  /** Where datagrams go. */
  get address(): Address {
    return this.#address;
  }

  /** Who the peer proved to be; undefined before, and for an anonymous client where the settings allow it. */
  get peer(): AuthenticatedPeer | undefined {
    return this.#peer;
  }

  get cipherSuite(): Suite | undefined {
    return this.#suite;
  }

  get alpnProtocol(): string | undefined {
    return this.#terms?.alpnProtocol;
  }

  /** The name that the client asked for. */
  get serverName(): string | undefined {
    return this.#terms?.serverName;
  }

  /** What tls12_cid records to this side carry; undefined: there are none. */
  get ownConnectionId(): Uint8Array | undefined {
    return this.#ownConnectionId;
  }

  /** Of the ClientHello that a server works on: the same random again is a retransmission, another one a new client. */
  get peerRandom(): Uint8Array | undefined {
    return this.#shaking?.driver.peerRandom;
  }

  /** The largest message for `send`, in bytes. */
  get maxPlaintext(): number {
    if (this.#terms === undefined) return 0;
    // RFC 9146 §4: the true content type is part of the inner plaintext.
    return this.#terms.sendLimit - (this.#terms.sendConnectionId === undefined ? 0 : 1);
  }

  get resumed(): boolean {
    return this.#resumed;
  }

  /** When the last record verified, on the environment's clock. */
  get lastHeardAt(): number {
    return this.#lastHeardAt;
  }

  /** When `handleTimeout` has something to do, on the environment's clock. */
  get deadline(): number | undefined {
    if (this.#state === "closed") return undefined;
    return this.#shaking?.driver.deadline ?? this.#path?.deadline;
  }

  /** Everything that happened since the last call, in order. */
  takeOutputs(): readonly Output[] {
    const outputs = this.#outputs;
    if (outputs === undefined) return noOutputs;
    this.#outputs = undefined;
    return outputs;
  }

  // --- what goes in ---

  /** Client: sends the ClientHello. Once; nothing happens the second time. */
  start(): void {
    if (this.#isUnheard) this.#shaking?.driver.start();
  }

  /**
   * Takes a datagram. Returns whether anything in it was of use: a record that verified, or, in a handshake, a
   * message of it.
   */
  handleDatagram(datagram: Uint8Array, from: Address): boolean {
    if (this.#isUnheard) return this.#discard("unexpected_message", datagram.length);
    const connectionIdLength = this.#settings.connectionIds?.length ?? 0;
    let used = false;
    let offset = 0;
    while (offset < datagram.length && this.#state !== "closed") {
      const record = readRecord(datagram, offset, connectionIdLength);
      if (record === undefined) {
        // RFC 6347 §4.1.2.7: invalid records are discarded, and nobody can say where the next would begin.
        this.#discard("malformed_record", datagram.length - offset);
        break;
      }
      offset += record.bytes.length;
      if (this.#onRecord(record, from)) used = true;
      this.#replayEarly();
    }
    return used;
  }

  handleTimeout(): void {
    if (this.#state === "closed") return;
    const now = this.#environment.now();
    const driver = this.#shaking?.driver;
    if (driver !== undefined && now >= driver.deadline) driver.onTimeout();
    this.#path?.onTimeout();
  }

  /** Frees what is kept only for a while. To be called now and then on an association that is established. */
  tidy(): void {
    if (
      this.#lastFlight !== undefined &&
      this.#environment.now() - this.#lastFlight.sentAt > keepLastFlightMs
    ) {
      this.#lastFlight = undefined;
    }
  }

  /** The answer to the question of that id; nothing happens when nobody waits for it any more. */
  answer(id: number, answer: Answer): void {
    if (this.#state === "closed") return;
    this.#shaking?.driver.onAnswer(id, answer);
    this.#replayEarly();
  }

  /** Sends one message. @throws DtlsError DTLS_CLOSED when not established, DTLS_MESSAGE_SIZE */
  send(data: Uint8Array): void {
    if (this.#state !== "established")
      throw new DtlsError("DTLS_CLOSED", `the association is ${this.#state}`);
    if (data.length > this.maxPlaintext) {
      throw new DtlsError(
        "DTLS_MESSAGE_SIZE",
        `a message of ${data.length} bytes; at most ${this.maxPlaintext} fit into a record of this association`,
      );
    }
    this.#sendSealed(ContentType.application_data, data);
  }

  /** Ends it, with close_notify or the alert of `error`. */
  close(error?: DtlsError): void {
    if (this.#state === "closed") return;
    const code = error === undefined ? AlertDescription.close_notify : alertCode(error.alert);
    if (code !== undefined && !this.#isUnheard)
      this.#sendAlert(error === undefined ? AlertLevel.warning : AlertLevel.fatal, code);
    this.#end(error);
  }

  /**
   * RFC 5705. @throws DtlsError DTLS_CLOSED when not established, DTLS_OPTIONS_INVALID for a reserved label,
   * DTLS_NO_EXTENDED_MASTER_SECRET where the settings let the peer do without
   */
  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Uint8Array {
    const terms = this.#terms;
    const secrets = this.#secrets;
    if (this.#state !== "established" || terms === undefined || secrets === undefined) {
      throw new DtlsError("DTLS_CLOSED", `the association is ${this.#state}`);
    }
    // RFC 7627 §5.4: without it the key is not bound to this association, and MUST NOT be exported.
    if (!terms.extendedMasterSecret) {
      throw new DtlsError(
        "DTLS_NO_EXTENDED_MASTER_SECRET",
        "keying material is exported only from associations with extended_master_secret",
      );
    }
    return exportKeyingMaterial({ hash: terms.suite.prfHash, ...secrets.parts }, label, length, context);
  }

  /**
   * Everything that another process needs to go on. This association is dead afterwards, and the state is good for
   * one import: two that send under one key repeat nonces. @throws DtlsError DTLS_CLOSED when not established
   */
  exportState(): AssociationState {
    const terms = this.#terms;
    const opener = this.#epochs.opener(1);
    if (this.#state !== "established" || !terms || !opener || !this.#secrets) {
      throw new DtlsError("DTLS_CLOSED", `the association is ${this.#state}`);
    }
    const { master, clientRandom, serverRandom } = this.#secrets.parts;
    const state: AssociationState = {
      role: this.role,
      address: this.#address,
      terms: {
        ...terms,
        clientRandom: Uint8Array.from(clientRandom),
        serverRandom: Uint8Array.from(serverRandom),
        sessionId: new Uint8Array(),
      },
      masterSecret: Uint8Array.from(master),
      sealer: this.#epochs.sealer(1).exportState(),
      opener: opener.exportState(),
      peer: this.#peer?.export(),
      resumed: this.#resumed,
    };
    this.#end(undefined);
    return state;
  }

  // --- records ---

  #onRecord(record: RawRecord, from: Address): boolean {
    if (record.epoch === 0) return this.#onPlaintext(record);
    const opener = this.#epochs.opener(record.epoch);
    if (opener === undefined) {
      // RFC 6347 §4.1: of the next epoch alone, for a while; nobody knows what any other would be.
      if (record.epoch === this.#epochs.read + 1) this.#keepEarly(record, from);
      else this.#discard("unknown_epoch", record.bytes.length);
      return false;
    }
    let opened: ReturnType<Opener["open"]>;
    try {
      opened = opener.open(record);
    } catch (error) {
      // The limits of the cipher are reached.
      this.#fail(asDtlsError(error));
      return false;
    }
    if (typeof opened === "string") {
      if (opened === "bad_record_mac") this.#onBadMac();
      return this.#discard(opened, record.bytes.length);
    }
    const { type, plaintext, isNewest } = opened;
    this.#lastHeardAt = this.#environment.now();
    if (from !== this.#address || this.#path !== undefined) {
      this.#onPath(from, isNewest, record.bytes.length);
      // A challenge may have taken the last number.
      if (this.#state === "closed") return true;
    }
    if (this.#terms === undefined || this.#fits(plaintext, this.#terms)) {
      this.#onContent(type, plaintext, from);
    }
    return true;
  }

  /** RFC 8449 §4: not more than this side said that it takes. */
  #fits(plaintext: Uint8Array, { receiveLimit }: KeptTerms): boolean {
    return plaintext.length <= receiveLimit || this.#discard("record_too_large", plaintext.length);
  }

  /** Epoch 0: nothing in it is believed but the messages of a handshake that is under way. */
  #onPlaintext(record: RawRecord): boolean {
    const { type, version, fragment, bytes } = record;
    if (version !== ProtocolVersion.DTLS_1_2 && version !== ProtocolVersion.DTLS_1_0) {
      return this.#discard("wrong_version", bytes.length);
    }
    const shaking = this.#shaking;
    switch (type) {
      case ContentType.handshake:
        if (shaking === undefined) return this.#discard("unexpected_message", bytes.length);
        return shaking.driver.onRecord(fragment, 0);
      case ContentType.change_cipher_spec:
        if (shaking === undefined) return this.#discard("unexpected_change_cipher_spec", bytes.length);
        return shaking.driver.onChangeCipherSpec(fragment);
      case ContentType.alert:
        this.#onPlaintextAlert(fragment);
        return this.#discard("unprotected_alert", bytes.length);
      case ContentType.application_data:
        // RFC 6347 §4.1: never in epoch 0.
        return this.#discard("unprotected_application_data", bytes.length);
      default:
        return this.#discard("unexpected_content_type", bytes.length);
    }
  }

  /** Anybody can send one: it is a hint while there is a handshake, and nothing once there are keys. */
  #onPlaintextAlert(fragment: Uint8Array): void {
    const alert = readAlert(fragment);
    if (alert === undefined || !isFatal(alert) || this.#shaking === undefined || this.#epochs.read > 0)
      return;
    this.#shaking.driver.hint(peerAlert(alert.description));
  }

  /**
   * RFC 4279 §2: with pre-shared keys a Finished that does not open most likely means that the keys differ. Once may
   * be a flipped bit or a stranger; the peer's next attempt tells.
   */
  #onBadMac(): void {
    const keyExchange = this.#suite?.keyExchange;
    const shaking = this.#shaking;
    if (shaking === undefined || (keyExchange !== "PSK" && keyExchange !== "ECDHE_PSK")) return;
    const now = this.#environment.now();
    shaking.badMacAt ??= now;
    if (now - shaking.badMacAt < this.#settings.retransmission.initialMs / 2) return;
    shaking.driver.hint(
      new DtlsError(
        "DTLS_PSK_MISMATCH",
        "the peer's Finished does not open: most likely the pre-shared keys differ",
      ),
    );
  }

  #onContent(type: number, plaintext: Uint8Array, from: Address): void {
    switch (type) {
      case ContentType.application_data:
        return this.#onData(plaintext);
      case ContentType.handshake:
        if (this.#shaking !== undefined) this.#shaking.driver.onRecord(plaintext, 1);
        else this.#onLateHandshake(plaintext);
        return;
      case ContentType.alert:
        return this.#onAlert(plaintext);
      case ContentType.return_routability_check:
        // RFC 9853 §3: only when both sides offered it.
        if (this.#terms?.returnRoutabilityCheck === true) return this.#pathOf().onCheck(plaintext, from);
        this.#discard("unexpected_return_routability_message", plaintext.length);
        return;
      case ContentType.change_cipher_spec:
        this.#discard("unexpected_change_cipher_spec", plaintext.length);
        return;
      default:
        this.#discard("unexpected_content_type", plaintext.length);
    }
  }

  #onData(plaintext: Uint8Array): void {
    if (this.#shaking === undefined) {
      // Whoever sends data has our last flight.
      this.#lastFlight = undefined;
      this.#put({ type: "data", bytes: plaintext });
      return;
    }
    // RFC 5246 §7.4.9: nothing is to be believed before Finished; it may have been overtaken.
    if (!this.#shaking.early.keepData(plaintext)) this.#discard("queue_full", plaintext.length);
  }

  /** A handshake message after the handshake: the peer repeats its last flight, or wants another handshake. */
  #onLateHandshake(content: Uint8Array): void {
    let isFinished = false;
    try {
      isFinished = readFragments(content).every(({ msgType }) => msgType === HandshakeType.finished);
    } catch {
      this.#discard("malformed_fragment", content.length);
      return;
    }
    if (isFinished) {
      this.#discard("repeated_message", content.length);
      // RFC 6347 §4.2.4: in FINISHED, the peer's last flight again means that ours was lost.
      if (this.#lastFlight !== undefined && this.#mayAnswer(this.#settings.retransmission.initialMs / 4)) {
        this.#lastFlight.sentAt = this.#environment.now();
        this.#lastFlight.attempt += 1;
        this.#transmit(this.#lastFlight.flight, this.#lastFlight.attempt);
      }
      return;
    }
    this.#discard("renegotiation_refused", content.length);
    // RFC 5246 §7.2.2: no_renegotiation, always a warning.
    if (this.#mayAnswer(leastAnswerMs))
      this.#sendAlert(AlertLevel.warning, AlertDescription.no_renegotiation);
  }

  #onAlert(plaintext: Uint8Array): void {
    const alert = readAlert(plaintext);
    if (alert === undefined) {
      this.#discard("malformed_alert", plaintext.length);
      return;
    }
    if (alert.description === AlertDescription.close_notify) {
      // RFC 5246 §7.2.1: the other party MUST respond with a close_notify of its own.
      this.#sendAlert(AlertLevel.warning, AlertDescription.close_notify);
      this.#end(this.#state === "established" ? undefined : peerAlert(alert.description));
    } else if (isFatal(alert)) {
      this.#end(peerAlert(alert.description));
    }
    // Other warnings change nothing.
  }

  // --- what came too early ---

  #keepEarly({ bytes }: RawRecord, from: Address): void {
    if (this.#shaking === undefined) this.#discard("unknown_epoch", bytes.length);
    else if (!this.#shaking.early.keepRecord(bytes, from)) this.#discard("queue_full", bytes.length);
  }

  #replayEarly(): void {
    if (this.#shaking === undefined || this.#epochs.read === 0) return;
    for (const { bytes, from } of this.#shaking.early.takeRecords()) {
      const record = readRecord(bytes, 0, this.#settings.connectionIds?.length ?? 0);
      if (record !== undefined && this.#state !== "closed") this.#onRecord(record, from);
    }
  }

  // --- the handshake's wishes ---

  #shake(machine: Machine, firstSeq: number): void {
    const host = {
      settings: this.#settings,
      environment: this.#environment,
      transmit: (flight: Flight, attempt: number) => this.#transmit(flight, attempt),
      ask: (question: Question) => this.#ask(question),
      act: (action: Exclude<Action, { do: "ask" | "send" }>) => this.#act(action),
      discard: (reason: DiscardReason, bytes: number) => void this.#discard(reason, bytes),
      fail: (error: DtlsError) => this.#fail(error),
    };
    const driver = new HandshakeDriver(host, machine, firstSeq);
    this.#shaking = { driver, early: new Early(this.#settings.maxQueuedBytes), badMacAt: undefined };
  }

  #ask(question: Question): number {
    const id = this.#nextQuestion;
    this.#nextQuestion += 1;
    this.#put({ type: "request", request: { id, ...question } });
    return id;
  }

  #act(action: Exclude<Action, { do: "ask" | "send" }>): void {
    switch (action.do) {
      case "keys":
        return this.#onKeys(action.keys);
      case "readNextEpoch":
        return this.#epochs.readNext();
      case "keylog":
        if (this.#settings.keyLog) {
          const line = `CLIENT_RANDOM ${hex(action.clientRandom)} ${hex(action.masterSecret)}`;
          this.#put({ type: "keylog", line });
        }
        return;
      case "session":
        this.#put({ type: "session", session: action.session });
        return;
      case "established":
        return this.#onEstablished(action.result);
    }
  }

  #onKeys({ suite, read, write, sendConnectionId, receiveConnectionId }: EpochKeys): void {
    this.#suite = suite;
    this.#ownConnectionId = nonEmpty(receiveConnectionId);
    const { aead } = suite;
    this.#epochs.install({
      epoch: 1,
      sealer: new Sealer({ aead, ...write, epoch: 1, connectionId: sendConnectionId }),
      opener: new Opener({ aead, ...read, epoch: 1, connectionId: receiveConnectionId }),
    });
    for (const secret of [read.key, read.iv, write.key, write.iv]) secret.fill(0);
  }

  #onEstablished({ terms, masterSecret, peer, resumed }: Established): void {
    this.#state = "established";
    this.#terms = keptTerms(terms);
    this.#secrets = new Secrets(terms, masterSecret);
    this.#peer = peer;
    this.#resumed = resumed;
    const shaking = this.#shaking;
    this.#shaking = undefined;
    const flight = shaking?.driver.lastFlight;
    if (flight !== undefined) this.#lastFlight = { flight, sentAt: this.#environment.now(), attempt: 0 };
    shaking?.driver.end();
    this.#put({ type: "established", peer, resumed });
    for (const bytes of shaking?.early.takeData() ?? []) {
      if (this.#fits(bytes, terms)) this.#put({ type: "data", bytes });
    }
  }

  // --- sending ---

  #transmit(flight: Flight, attempt: number): void {
    let datagrams: readonly Uint8Array[];
    try {
      datagrams = this.#writer.flight(flight, attempt, this.#settings.mtu);
    } catch (error) {
      // The client chooses with which number the first of our records begins, so it may be the last one too.
      this.#end(asDtlsError(error));
      return;
    }
    for (const bytes of datagrams) this.#put({ type: "datagram", bytes, to: this.#address });
  }

  /** `to`: for messages that are about that very address. Ends the association when there is no number left. */
  #sendSealed(type: number, plaintext: Uint8Array, to?: Address): void {
    let bytes: Uint8Array;
    try {
      bytes = this.#writer.current(type, plaintext);
    } catch (error) {
      this.#end(asDtlsError(error));
      return;
    }
    this.#send(bytes, to);
  }

  #sendAlert(level: number, description: number): void {
    let bytes: Uint8Array;
    try {
      bytes = this.#writer.current(ContentType.alert, writeAlert(level, description));
    } catch {
      // There is no number left for it: the peer is not told, and what the alert was for goes on.
      return;
    }
    this.#send(bytes);
  }

  #send(bytes: Uint8Array, to?: Address): void {
    const address = to ?? (this.#path === undefined ? this.#address : this.#path.addressFor(bytes.length));
    if (address === undefined) this.#discard("address_not_validated", bytes.length);
    else this.#put({ type: "datagram", bytes, to: address });
  }

  // --- where the peer is ---

  #onPath(from: Address, isNewest: boolean, bytes: number): void {
    // RFC 9146 §6: without a connection id nobody could tell a peer that moved from somebody else.
    if (this.#ownConnectionId === undefined || this.#state !== "established") return;
    if (
      this.#path === undefined &&
      from.port === this.#address.port &&
      from.address === this.#address.address
    )
      return;
    this.#pathOf().onRecord(from, isNewest, bytes);
  }

  #pathOf(): PeerPath {
    this.#path ??= new PeerPath(
      {
        environment: this.#environment,
        overhead: this.#epochs.sealer(this.#epochs.write).overhead,
        sendCheck: (message, to) => this.#sendSealed(ContentType.return_routability_check, message, to),
        onMoved: (from, to) => {
          this.#address = to;
          this.#put({ type: "address", from, to });
        },
        discard: (reason, bytes) => void this.#discard(reason, bytes),
      },
      this.#address,
      this.#terms?.returnRoutabilityCheck === true,
    );
    return this.#path;
  }

  // --- the end ---

  #fail(error: DtlsError): void {
    this.close(error);
  }

  #end(error: DtlsError | undefined): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#shaking?.driver.end();
    this.#shaking = undefined;
    this.#lastFlight = undefined;
    this.#path = undefined;
    this.#epochs.clear();
    this.#secrets?.wipe();
    this.#secrets = undefined;
    this.#put({ type: "closed", error });
  }

  #put(output: Output): void {
    if (this.#outputs === undefined) this.#outputs = [output];
    else this.#outputs.push(output);
  }

  #discard(reason: DiscardReason, bytes: number): false {
    this.#put({ type: "discarded", reason, bytes });
    return false;
  }

  /** A client that was not started: nobody has anything to say to it, nor it to anybody. */
  get #isUnheard(): boolean {
    return this.role === "client" && this.#state === "handshaking" && this.#writer.isUnused;
  }

  #mayAnswer(everyMs: number): boolean {
    const now = this.#environment.now();
    if (now - this.#answeredAt < everyMs) return false;
    this.#answeredAt = now;
    return true;
  }
}

const noOutputs: readonly Output[] = [];

function peerAlert(description: number): DtlsError {
  const name = nameOf(AlertDescription, description);
  return new DtlsError("DTLS_PEER_ALERT", `the peer sent the alert ${name}`, { peerAlert: name });
}

/** RFC 9146 §3: an empty id is asked for to have none on what is received. */
function nonEmpty(id: Uint8Array | undefined): Uint8Array | undefined {
  return id === undefined || id.length === 0 ? undefined : id;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
