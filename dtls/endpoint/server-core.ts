import type { PeerClaim } from "../association/outputs.ts";
import type { Address, Environment, ServerSettings } from "../association/settings.ts";
import { DtlsError } from "../errors.ts";
import { uint8At } from "../wire/bytes.ts";
import { recordHeaderLength } from "../wire/record.ts";
import { ContentType } from "../wire/registry.ts";
import { keyOf } from "./addresses.ts";
import type { Associations } from "./association-port.ts";
import { AssociationTable, type TableEntry } from "./association-table.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { defaults } from "./defaults.ts";
import { HelloGate, type Verdict } from "./hello-gate.ts";
import { Lifetimes } from "./lifetimes.ts";
import { claimOf, isSomebodyElse } from "./peers.ts";
import { isPlaintextClientHello } from "./prefilter.ts";
import { isPromiseLike, type Knowledge, refusalFor } from "./questions.ts";
import type { ServerPlan } from "./read-listen-options.ts";
import type { Scheduler } from "./scheduler.ts";
import { knowledgeOf } from "./server-knowledge.ts";
import type { DTLSSession } from "./session.ts";
import { type EndpointDiscardReason, type EndpointStats, newStats } from "./stats.ts";

/** Where the core ends: the socket, the clock, and the objects that the application holds. */
export interface ServerPorts {
  readonly scheduler: Scheduler;
  readonly environment: Environment;
  readonly associations: Pick<Associations, "server">;
  transmit(datagram: Uint8Array, to: Address): void;
  makeSession(connection: Connection): DTLSSession;
  /** A session is established: the application's to keep. */
  onSession(session: DTLSSession, connection: Connection): void;
  onRefused(refused: Refused): void;
  onCallbackError(thrown: unknown): void;
}

/** A handshake from which no session came. */
export interface Refused {
  readonly address: string;
  readonly port: number;
  readonly error: DtlsError;
  /** What the peer showed, where it came so far. It proves nothing by itself. */
  readonly claim: PeerClaim | undefined;
}

/** How many peers are judged at once by `recheck`. */
const recheckedAtOnce = 64;

/**
 * The server's side of an endpoint, without its socket: which association a datagram belongs to, who may begin one, and
 * when one ends.
 */
export class ServerCore implements ConnectionHost {
  readonly stats: EndpointStats;
  readonly scheduler: Scheduler;
  readonly knowledge: Knowledge;
  readonly onkeylog: ((line: string) => void) | undefined;
  /** Set by the application: no new peers. */
  refusesAll = false;
  readonly #plan: ServerPlan;
  readonly #ports: ServerPorts;
  readonly #settings: ServerSettings;
  readonly #gate: HelloGate;
  readonly #table: AssociationTable<Connection>;
  readonly #lifetimes: Lifetimes;
  #recheckRound = 0;

  constructor(plan: ServerPlan, ports: ServerPorts) {
    const { environment, scheduler } = ports;
    this.#plan = plan;
    this.#ports = ports;
    this.scheduler = scheduler;
    this.onkeylog = plan.onkeylog;
    this.stats = newStats(environment.wallClock());
    this.#gate = new HelloGate(environment, plan.association.maxHandshakeMessageBytes);
    this.#table = new AssociationTable(plan.limits);
    this.#settings = {
      ...plan.association,
      connectionIds: plan.connectionIds
        ? { length: defaults.connectionIdLength, make: () => this.#makeConnectionId() }
        : undefined,
    };
    this.knowledge = knowledgeOf(plan, environment);
    this.#lifetimes = new Lifetimes(this.#table, {
      scheduler,
      wallClock: () => environment.wallClock(),
      stats: this.stats,
      idleTimeoutMs: plan.idleTimeoutMs,
    });
  }

  get settings(): ServerSettings {
    return this.#settings;
  }

  /** No new peer is taken in now. */
  get busy(): boolean {
    const { maxSessions, maxHandshakes } = this.#plan.limits;
    return this.refusesAll || this.#table.size >= maxSessions || this.#table.handshaking >= maxHandshakes;
  }

  /** Established ones. A copy: closing some meanwhile does not disturb. */
  get connections(): readonly Connection[] {
    return [...this.#table.values()].filter((connection) => connection.isEstablished);
  }

  /** `isForwarded`: another worker got it, and took it to be ours. */
  receive(datagram: Uint8Array, from: Address, isForwarded = false): void {
    this.stats.packetsReceived += 1;
    this.stats.bytesReceived += datagram.length;
    if (datagram.length <= recordHeaderLength) this.#discard("too_short");
    else if (uint8At(datagram, 0) === ContentType.tls12_cid)
      this.#toConnectionId(datagram, from, isForwarded);
    else this.#toAddress(datagram, from, isForwarded);
  }

  /** The peer at this address has its association in another worker now. */
  takenOver(from: Address): void {
    const entry = this.#table.at(keyOf(from));
    if (entry?.established === true && entry.connectionId === undefined) this.#abandon(entry.value);
  }

  /** Ends everything; `how` says with what. */
  end(how: (connection: Connection) => void): void {
    this.#lifetimes.stop();
    this.refusesAll = true;
    for (const connection of Array.from(this.#table.values())) how(connection);
  }

  /** Asks again about every peer. A handshake that is under way is asked about when it is complete. */
  async recheck(): Promise<void> {
    this.#recheckRound += 1;
    const { connections } = this;
    for (let start = 0; start < connections.length; start += recheckedAtOnce) {
      const some = connections.slice(start, start + recheckedAtOnce);
      await Promise.all(some.map((connection) => this.#judgeAgain(connection)));
    }
  }

  /** Which `recheck` was the last one: what is asked now is an answer of this round. */
  get recheckRound(): number {
    return this.#recheckRound;
  }

  /** Takes in an association that was established elsewhere, and whose peer was asked about in this round. */
  adopt(connection: Connection, identity: unknown, judgedIn: number): void {
    connection.entry = this.#table.add(connection, connection.association.address, "", this.scheduler.now());
    this.#table.establish(connection.entry);
    connection.judgedIn = judgedIn;
    connection.resumeEstablished(identity);
    if (connection.entry.connectionId === undefined) this.#plan.worker?.own(connection.association.address);
    this.#noteExpiry(connection);
    this.stats.restored += 1;
    this.#count();
    this.#judgeIfLate(connection);
    if (!connection.isClosed) connection.session = this.#ports.makeSession(connection);
  }

  // --- which association a datagram belongs to ---

  /** RFC 9146 §4: all records of a datagram belong to the association of the first one; it discards the others. */
  #toConnectionId(datagram: Uint8Array, from: Address, isForwarded: boolean): void {
    const start = recordHeaderLength - 2;
    const end = start + defaults.connectionIdLength;
    if (!this.#plan.connectionIds || datagram.length < end + 2) return this.#discard("unknown_connection_id");
    const entry = this.#table.withConnectionId(latin1(datagram, start, end));
    if (entry !== undefined) {
      this.#deliver(entry, datagram, from);
      return;
    }
    const { worker } = this.#plan;
    const owner = uint8At(datagram, start);
    if (worker !== undefined && owner !== worker.index) {
      this.#forward(owner, datagram, from, isForwarded);
      return;
    }
    // A Finished that overtook what its keys come from: only the address says whose it is.
    const known = this.#table.at(keyOf(from));
    const handshake = known?.pending ?? (known?.established === false ? known : undefined);
    if (handshake === undefined) this.#discard("unknown_connection_id");
    else this.#deliver(handshake, datagram, from);
  }

  #toAddress(datagram: Uint8Array, from: Address, isForwarded: boolean): void {
    const key = keyOf(from);
    const entry = this.#table.at(key);
    if (isPlaintextClientHello(datagram)) return this.#onHello(datagram, from, entry);
    if (entry === undefined) {
      const owner = this.#plan.worker?.ownerOf(key);
      if (owner === undefined) this.#discard("unknown_address");
      else this.#forward(owner, datagram, from, isForwarded);
      return;
    }
    // RFC 6347 §4.2.8: whose keys open a record is known only by trying.
    if (entry.pending !== undefined && this.#deliver(entry.pending, datagram, from)) return;
    if (this.#table.at(key) === entry) this.#deliver(entry, datagram, from);
  }

  /** Once: what another worker sent here, and does not belong here, belongs nowhere. */
  #forward(owner: number, datagram: Uint8Array, from: Address, isForwarded: boolean): void {
    if (!isForwarded && this.#plan.worker?.forward(owner, datagram, from) === true) {
      this.stats.packetsForwarded += 1;
    } else this.#discard("wrong_worker");
  }

  #deliver(entry: TableEntry<Connection>, datagram: Uint8Array, from: Address): boolean {
    const used = entry.value.receive(datagram, from);
    if (used) this.#table.heard(entry, this.scheduler.now());
    return used;
  }

  // --- who may begin ---

  #onHello(datagram: Uint8Array, from: Address, entry: TableEntry<Connection> | undefined): void {
    const newest = entry?.pending ?? entry;
    if (newest === undefined && this.refusesAll) return this.#refuse("busy");
    const verdict = this.#gate.judge(datagram, from);
    if (verdict.do === "discard") {
      // The rest of a ClientHello that was cut; it needs no cookie, for it begins nothing.
      if (newest?.established === false) this.#deliver(newest, datagram, from);
      else this.#discard(verdict.reason);
      return;
    }
    // The random is the client's name for this attempt: the same again is a retransmission.
    const repeated = newest !== undefined && newest.random === verdict.random;
    if (repeated && (verdict.do === "admit" || verdict.wrong)) this.#deliver(newest, datagram, from);
    else if (verdict.do === "admit") this.#begin(datagram, from, verdict, newest);
    else this.#verifyAddress(verdict, from);
  }

  #verifyAddress({ reply, wrong }: Extract<Verdict, { do: "verify" }>, from: Address): void {
    if (this.refusesAll) return this.#refuse("busy");
    if (wrong) this.stats.wrongCookies += 1;
    this.stats.helloVerifyRequests += 1;
    this.transmit(reply, from);
  }

  /** RFC 6347 §4.2.8: beside an established association of the address, which lives on until this one is complete. */
  #begin(
    datagram: Uint8Array,
    from: Address,
    { first, random }: Extract<Verdict, { do: "admit" }>,
    newest: TableEntry<Connection> | undefined,
  ): void {
    if (this.refusesAll) return this.#refuse("busy");
    if (newest?.established === false) {
      newest.value.fail(
        new DtlsError("DTLS_PEER_GONE", "the client began another handshake from its address"),
      );
    }
    const now = this.scheduler.now();
    const room = this.#table.room(from, now, this.#table.at(keyOf(from))?.established === true);
    if (!room.admitted) return this.#refuse(room.reason);
    if (room.evict !== undefined) {
      this.stats.evicted += 1;
      room.evict.value.close(
        new DtlsError("DTLS_EVICTED", "nothing was heard for long, and there was no room"),
      );
    }
    // Whoever was told of these ends may have closed the endpoint.
    if (this.refusesAll) return this.#refuse("busy");
    const { associations, environment } = this.#ports;
    const peer = { address: from.address, port: from.port };
    const connection = new Connection(this, associations.server(this.#settings, environment, peer, first));
    connection.judgedIn = this.#recheckRound;
    connection.entry = this.#table.add(connection, from, random, now);
    this.stats.handshakesStarted += 1;
    this.#count();
    connection.receive(datagram, from);
  }

  #refuse(reason: "busy" | "too_many_from_host"): void {
    this.stats.serverBusyCount += 1;
    this.#discard(reason);
  }

  /** Asks about a peer outside of a handshake. Without an answer in the time of a handshake it is refused. */
  judge(claim: PeerClaim, pskTag: Uint8Array | undefined): unknown {
    const answer = this.knowledge.verify(claim, pskTag);
    return isPromiseLike(answer) ? this.#inTime(answer) : answer;
  }

  async #inTime(answer: PromiseLike<unknown>): Promise<unknown> {
    const late = Promise.withResolvers<never>();
    const { handshakeTimeoutMs } = this.#settings;
    const cancel = this.scheduler.after(handshakeTimeoutMs, () => {
      const message = `verifyPeer gave no answer within ${handshakeTimeoutMs} ms`;
      late.reject(new DtlsError("DTLS_CERTIFICATE_UNKNOWN", message));
    });
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      cancel();
    }
  }

  #discard(reason: EndpointDiscardReason): void {
    this.stats.discarded[reason] += 1;
  }

  // --- what connections report ---

  transmit(datagram: Uint8Array, to: Address): void {
    this.#ports.transmit(datagram, to);
  }

  onConnectionId({ entry }: Connection, id: Uint8Array): void {
    if (entry !== undefined) this.#table.setConnectionId(entry, latin1(id, 0, id.length));
  }

  onEstablished(connection: Connection): void {
    const { entry } = connection;
    if (entry === undefined) throw new Error("unreachable: a connection of a server has an entry");
    const older = this.#table.establish(entry);
    if (older !== undefined && !isSomebodyElse(older.value, connection)) this.#abandon(older.value);
    if (entry.connectionId === undefined) this.#plan.worker?.own(connection.association.address);
    this.stats.serverSessions += 1;
    this.#count();
    this.#noteExpiry(connection);
    this.#judgeIfLate(connection);
    if (connection.association.state === "closed") return;
    connection.session = this.#ports.makeSession(connection);
    this.#ports.onSession(connection.session, connection);
  }

  onMoved({ entry }: Connection, to: Address): void {
    if (entry !== undefined) this.#table.move(entry, to);
  }

  onSession(): void {
    // A client's affair.
  }

  onClosed(connection: Connection, error: DtlsError | undefined): void {
    const { entry } = connection;
    if (entry !== undefined) {
      this.#table.remove(entry);
      const isHere = this.#table.at(keyOf(connection.association.address)) !== undefined;
      if (entry.connectionId === undefined && !isHere)
        this.#plan.worker?.disown(connection.association.address);
    }
    this.#count();
    // Whose session nobody was told of, of that the refusal is told.
    if (connection.session !== undefined || error === undefined) return;
    this.stats.serverRefusedCount += 1;
    const { address, port } = connection.association.address;
    this.#ports.onRefused({ address, port, error, claim: connection.claim ?? claimOf(connection) });
  }

  onCallbackError(thrown: unknown, connection: Connection): void {
    this.stats.callbackErrors += 1;
    connection.fail(refusalFor(thrown, "DTLS_INTERNAL_ERROR"));
    this.#ports.onCallbackError(thrown);
  }

  #abandon(old: Connection): void {
    this.stats.replaced += 1;
    old.fail(new DtlsError("DTLS_PEER_GONE", "the peer began a new association from the same address"));
  }

  #makeConnectionId(): Uint8Array {
    const { worker } = this.#plan;
    for (;;) {
      // RFC 9146 §8: not to be guessed, and not the same for two associations at one time.
      const id = this.#ports.environment.random(defaults.connectionIdLength);
      if (worker !== undefined) id[0] = worker.index;
      if (!this.#table.hasConnectionId(latin1(id, 0, id.length))) return id;
    }
  }

  #count(): void {
    this.stats.sessions = this.#table.established;
    this.stats.handshaking = this.#table.handshaking;
  }

  // --- whether a peer is still one to talk to ---

  #noteExpiry(connection: Connection): void {
    const { peer } = connection.association;
    if (peer === undefined) return;
    try {
      connection.expiresAt = this.#plan.expiresAt(connection.identity, peer);
      this.#lifetimes.note(connection);
      this.#lifetimes.endIfExpired(connection);
    } catch (thrown) {
      this.onCallbackError(thrown, connection);
    }
  }

  /** It was judged before others were. A refusal that is known at once comes before there is a session. */
  #judgeIfLate(connection: Connection): void {
    if (connection.judgedIn < this.#recheckRound) void this.#judgeAgain(connection);
  }

  async #judgeAgain(connection: Connection): Promise<void> {
    const claim = claimOf(connection);
    if (claim === undefined || connection.isClosed) return;
    const round = this.#recheckRound;
    try {
      const answer = this.judge(claim, connection.pskTag);
      const identity = isPromiseLike(answer) ? await answer : answer;
      // A later round may have been answered sooner, and knows better.
      if (round < connection.judgedIn) return;
      connection.identity = identity;
      connection.judgedIn = round;
      this.#noteExpiry(connection);
    } catch (thrown) {
      connection.fail(refusalFor(thrown, "DTLS_CERTIFICATE_UNKNOWN"));
    }
  }
}

/** As a key of a Map. Buffers, which sockets give, need no copy. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString("latin1", start, end);
}
