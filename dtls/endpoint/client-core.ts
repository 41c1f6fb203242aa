import type { Address, ClientSettings, Environment } from "../association/settings.ts";
import { DtlsError } from "../errors.ts";
import type { ResumableSession } from "../handshake/session.ts";
import { uint8At } from "../wire/bytes.ts";
import { ContentType } from "../wire/registry.ts";
import type { Associations } from "./association-port.ts";
import { writeClientSession } from "./client-session.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { sweepIntervalMs } from "./lifetimes.ts";
import { claimOf } from "./peers.ts";
import { type Knowledge, refusalFor } from "./questions.ts";
import type { ConnectPlan } from "./read-connect-options.ts";
import type { Scheduler } from "./scheduler.ts";
import { type EndpointStats, newStats } from "./stats.ts";

export interface ClientPorts {
  readonly scheduler: Scheduler;
  readonly environment: Environment;
  readonly associations: Pick<Associations, "client">;
  transmit(datagram: Uint8Array, to: Address): void;
  onClosed(): void;
  onCallbackError(thrown: unknown): void;
}

/** RFC 9146 §3: "a zero-length value indicates that the client is prepared to send using a CID" and wants none. */
const noConnectionIds = { length: 0, make: () => new Uint8Array() } as const;

/** The client's side of an endpoint, without its socket: one association, begun by us. */
export class ClientCore implements ConnectionHost {
  readonly stats: EndpointStats;
  readonly scheduler: Scheduler;
  readonly knowledge: Knowledge;
  readonly onkeylog: ((line: string) => void) | undefined;
  readonly connection: Connection;
  /** What resumes this session, as `connect` takes it. */
  resumable: Uint8Array | undefined;
  readonly #plan: ConnectPlan;
  readonly #ports: ClientPorts;
  readonly #cancelSweep: () => void;
  #isRecheckDue = false;

  /** `server` is where the server is; its address may still be looked up until `connection.start()`. */
  constructor(plan: ConnectPlan, server: Address, ports: ClientPorts) {
    this.#plan = plan;
    this.#ports = ports;
    this.scheduler = ports.scheduler;
    this.onkeylog = plan.onkeylog;
    this.stats = newStats(ports.environment.wallClock());
    this.knowledge = {
      ...plan.knowledge,
      findSession: () => undefined,
      storeSession: () => undefined,
      forgetSession: () => undefined,
    };
    const settings: ClientSettings = {
      ...plan.association,
      connectionIds: plan.connectionIds ? noConnectionIds : undefined,
    };
    this.connection = new Connection(this, ports.associations.client(settings, ports.environment, server));
    this.#cancelSweep = this.scheduler.every(sweepIntervalMs(plan.idleTimeoutMs), () => this.#sweep());
    this.stats.handshakesStarted = 1;
    this.stats.handshaking = 1;
  }

  receive(datagram: Uint8Array, from: Address): void {
    this.stats.packetsReceived += 1;
    this.stats.bytesReceived += datagram.length;
    const { address, port } = this.connection.association.address;
    const isServer = address === from.address && port === from.port;
    // RFC 9146 §6: with a connection id a peer may move; the association decides whether it did.
    if (isServer || uint8At(datagram, 0) === ContentType.tls12_cid) this.connection.receive(datagram, from);
    else this.stats.discarded.unknown_address += 1;
  }

  /** A handshake that is under way is asked about when it is complete. */
  async recheck(): Promise<void> {
    this.#isRecheckDue = !this.connection.isEstablished;
    const claim = claimOf(this.connection);
    if (claim === undefined || this.connection.isClosed) return;
    try {
      this.connection.identity = await this.knowledge.verify(claim);
    } catch (thrown) {
      this.connection.fail(refusalFor(thrown, "DTLS_CERTIFICATE_UNKNOWN"));
    }
  }

  transmit(datagram: Uint8Array, to: Address): void {
    this.#ports.transmit(datagram, to);
  }

  onConnectionId(): void {
    // All that comes in is for the one association.
  }

  onEstablished(connection: Connection): void {
    this.stats.clientSessions += 1;
    this.stats.handshaking = 0;
    this.stats.sessions = 1;
    const { peer } = connection.association;
    if (peer === undefined) return;
    try {
      connection.expiresAt = this.#plan.expiresAt(connection.identity, peer);
    } catch (thrown) {
      this.onCallbackError(thrown, connection);
    }
    if (this.#isRecheckDue) void this.recheck();
  }

  onMoved(): void {
    // The association has the new address.
  }

  onSession({ session }: Connection, resumable: ResumableSession): void {
    const written = writeClientSession(this.#plan.peerName, resumable);
    this.resumable = written;
    session?.emit("session", written);
  }

  onClosed(_connection: Connection, error: DtlsError | undefined): void {
    this.#cancelSweep();
    this.stats.handshaking = 0;
    this.stats.sessions = 0;
    // RFC 5246 §7.2.2: after a fatal alert the session must not be resumed.
    if (error?.code === "DTLS_PEER_ALERT") this.resumable = undefined;
    this.#ports.onClosed();
  }

  onCallbackError(thrown: unknown, connection: Connection): void {
    this.stats.callbackErrors += 1;
    connection.fail(refusalFor(thrown, "DTLS_INTERNAL_ERROR"));
    this.#ports.onCallbackError(thrown);
  }

  #sweep(): void {
    const { connection } = this;
    const { idleTimeoutMs } = this.#plan;
    connection.association.tidy();
    if (!connection.isEstablished) return;
    if (idleTimeoutMs > 0 && this.scheduler.now() - connection.heardAt >= idleTimeoutMs) {
      this.stats.idle += 1;
      connection.close(new DtlsError("DTLS_IDLE", `nothing was heard for ${idleTimeoutMs} ms`));
    } else if (this.#ports.environment.wallClock() >= (connection.expiresAt ?? Number.POSITIVE_INFINITY)) {
      this.stats.expired += 1;
      connection.fail(new DtlsError("DTLS_CERTIFICATE_EXPIRED", "the peer's certificate expired"));
    }
  }
}
