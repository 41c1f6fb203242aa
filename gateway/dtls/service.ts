import { randomBytes } from "node:crypto";
import {
  type Credential,
  certificateCredential,
  type DTLSEndpoint,
  type DTLSSession,
  DtlsError,
  listen,
  type PeerClaim,
  type Refused,
} from "../../dtls/index.ts";
import { parseCertificate } from "../../pki/index.ts";
import type { GatewayContext } from "../context.ts";
import { GatewayError, refusal } from "../errors.ts";
import { assertAdmissible, claimedIdentity } from "../identity.ts";
import { AuthenticatedPeer, fingerprintOfDer, judgeDtlsClaim } from "../peer.ts";
import { asRefusal } from "../trust.ts";
import { type Kept, KeptAssociations } from "./kept-associations.ts";
import { MessageRate } from "./message-rate.ts";
import { dtlsRefusal, whyRefused } from "./refusals.ts";
import { addressOf, DtlsSession, DtlsSessions, plainAddress } from "./session.ts";

/** RFC 7252 §6.2: CoAP over DTLS. */
export const defaultDtlsPort = 5684;

/**
 * The system's default takes some 270 datagrams at once, and devices that report on the hour are more. Linux gives
 * what net.core.rmem_max allows.
 */
const receiveBufferBytes = 1024 * 1024;

const notKept = "the DTLS sessions could not be kept: devices connect again";

/** Refusals of peers that showed no certificate that are told one by one; those that did had to work for it. */
const nobodysRefusalsPerSecond = 50;

/** The gateway's own key and certificate chain, PEM. */
interface Identity {
  readonly key: string;
  readonly certificateChain: string;
}

/**
 * The gateway's DTLS side: certificates alone, asked of everyone, judged as those over TLS are. What a device sends is
 * sent back to it.
 */
export class DtlsService {
  readonly sessions = new DtlsSessions();
  readonly #context: GatewayContext;
  readonly #kept: KeptAssociations | undefined;
  #credential: Credential;
  #endpoint: DTLSEndpoint | undefined;
  #closing = false;
  readonly #refusals = new MessageRate(nobodysRefusalsPerSecond, performance.now());
  /** Refusals that no event told of. */
  #untold = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** 0 while there is none. */
  port = 0;

  /** @throws GatewayError GATEWAY_IDENTITY_INVALID */
  constructor(context: GatewayContext, identity: Identity) {
    this.#context = context;
    this.#credential = credentialOf(identity);
    const { stateDirectory } = context.gatekeeper.settings;
    this.#kept = stateDirectory === undefined ? undefined : new KeptAssociations(stateDirectory);
  }

  /** Opens the port; the sessions of the last run go on. @throws GatewayError GATEWAY_LISTEN_FAILED */
  async start(port: number): Promise<void> {
    const { host } = this.#context.gatekeeper.settings;
    const kept = this.#takeKept();
    try {
      await this.#listen(port, kept).catch((error: unknown) => {
        if (!(error instanceof DtlsError && error.code === "DTLS_STATE_INVALID")) throw error;
        this.#context.warn("the DTLS sessions of the last run cannot be read: devices connect again", error);
        return this.#listen(port, undefined);
      });
    } catch (error) {
      // Nothing was sent under their keys, for there was no port: they wait for the next attempt.
      if (kept !== undefined) this.#keep(kept);
      throw listenError(error, host, port);
    }
  }

  /**
   * Returns what presents `identity` from the next handshake on. @throws GatewayError GATEWAY_IDENTITY_INVALID, and
   * nothing is changed
   */
  prepare(identity: Identity): () => void {
    const credential = credentialOf(identity);
    return () => {
      this.#credential = credential;
    };
  }

  /** Ends all sessions, or, where there is a state directory, keeps them for the next run. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#toldAt = Number.NEGATIVE_INFINITY;
    this.#tellUntold();
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return;
    const live = [...this.sessions].filter((session) => !session.ended);
    for (const session of live) session.note("gateway_stopping", "the gateway stops");
    if (this.#kept === undefined || live.length === 0) return endpoint.close();
    const key = randomBytes(32);
    try {
      this.#kept.keepKey(key);
    } catch (error) {
      // While there is an endpoint to say goodbye: kept by nobody, they would be missed only when they are silent.
      this.#context.warn(notKept, error);
      return endpoint.close();
    }
    this.#keep({ key, associations: await endpoint.exportAssociations(key) });
  }

  async #listen(port: number, kept: Kept | undefined): Promise<void> {
    const { host, limits, dangerouslyAllowMissingExtendedMasterSecret } = this.#context.gatekeeper.settings;
    const endpoint = listen((association) => this.#onSession(association), {
      host,
      port,
      // A function, so that a reload reaches the next handshake.
      credentials: () => this.#credential,
      verifyPeer: (claim) => this.#judge(claim),
      dangerouslyAllowMissingExtendedMasterSecret,
      handshakeTimeout: limits.dtlsHandshakeTimeoutMs,
      idleTimeout: limits.dtlsIdleSeconds * 1000,
      sessionTimeout: limits.tlsSessionSeconds,
      maxSessions: limits.dtlsSessions,
      maxSessionsPerHost: limits.dtlsSessionsPerAddress,
      maxHandshakes: limits.dtlsHandshakes,
      maxHandshakesPerHost: limits.dtlsHandshakesPerAddress,
      // RFC 9146 §4: with a connection id the content type takes one byte of it. The endpoint's own bounds, too.
      recordSizeLimit: Math.min(Math.max(limits.dtlsMessageBytes + 1, 64), 16_384),
      udpReceiveBufferSize: receiveBufferBytes,
      restore: kept,
    });
    endpoint.on("refused", (refused) => this.#onRefused(refused));
    endpoint.on("error", (error) => this.#context.warn("DTLS reports an error", error));
    const bound = await endpoint.ready;
    this.#endpoint = endpoint;
    this.port = bound.port;
  }

  /**
   * Would this peer be let in? Asked in every handshake, in resumed ones before anything is resumed, and about every
   * session that a restart brings back.
   */
  #judge(claim: PeerClaim): true {
    const { settings, trust } = this.#context.gatekeeper;
    try {
      if (this.#closing) throw refusal("gateway_stopping");
      const path = judgeDtlsClaim(claim, trust);
      // Read for each of them, as for each CONNECT: what was revoked a moment ago does not enter.
      settings.registry.changeCounter();
      assertAdmissible(path, settings.registry, settings.now(), settings.trustDomain);
      return true;
    } catch (error) {
      throw dtlsRefusal(error);
    }
  }

  #onSession(association: DTLSSession): void {
    const { gatekeeper, emit, refused } = this.#context;
    const address = addressOf(association);
    let session: DtlsSession;
    try {
      const peer = AuthenticatedPeer.ofDtls(association.peer, gatekeeper.trust, address);
      session = new DtlsSession(association, gatekeeper.admit(peer));
    } catch (error) {
      // Revoked in the very moment.
      const { reason = "certificate_refused", message } = asRefusal(error);
      association.destroy(dtlsRefusal(error));
      refused(reason, message, { transport: "dtls", address, ...shownBy(association.peer) });
      return;
    }
    this.sessions.add(session);
    session.opened = true;
    this.#echo(association);
    association.on("address", ({ from }) => {
      emit({ type: "session.moved", session: session.info(), fromAddress: plainAddress(from.address) });
    });
    association.on("close", (error) => {
      this.sessions.remove(session);
      emit({ type: "session.closed", session: session.info(), ...session.closed(error) });
    });
    emit({ type: "session.opened", session: session.info() });
    this.#makeRoom(session);
  }

  /** UDP does not tell that a device is gone, so it is not kept out by what it left behind. */
  #makeRoom({ identity }: DtlsSession): void {
    const { dtlsSessionsPerDevice: most } = this.#context.gatekeeper.settings.limits;
    for (const old of this.sessions.beyond(most, identity.id)) {
      old.end(
        "session_displaced",
        `a newer session of ${identity.id}, which may have ${most}, took its place`,
      );
    }
  }

  /** Until there is a protocol above: what came goes back, no longer and no more often than the limits allow. */
  #echo(association: DTLSSession): void {
    const { dtlsMessageBytes, dtlsMessagesPerSecond } = this.#context.gatekeeper.settings.limits;
    const rate = new MessageRate(dtlsMessagesPerSecond, performance.now());
    association.on("message", (message) => {
      const fits = message.length <= Math.min(dtlsMessageBytes, association.maxMessageSize);
      if (fits && rate.take(performance.now())) association.send(message);
    });
  }

  #onRefused({ address, error, claim }: Refused): void {
    // A datagram or two bring one about, and each event may be a line in a log.
    if (claim === undefined && !this.#refusals.take(performance.now())) {
      this.#untold += 1;
      return;
    }
    this.#tellUntold();
    const { reason, detail } = whyRefused(error);
    const about = { transport: "dtls", address: plainAddress(address), ...shownBy(claim) } as const;
    this.#context.refused(reason, detail, about);
  }

  /** No more often than once a second. */
  #tellUntold(): void {
    const now = performance.now();
    if (this.#untold === 0 || now - this.#toldAt < 1000) return;
    this.#context.warn(`${this.#untold} more DTLS handshakes of peers that showed nothing were refused`);
    this.#untold = 0;
    this.#toldAt = now;
  }

  #keep(kept: Kept): void {
    try {
      this.#kept?.keep(kept);
    } catch (error) {
      this.#context.warn(notKept, error);
    }
  }

  #takeKept(): Kept | undefined {
    try {
      return this.#kept?.take();
    } catch (error) {
      this.#context.warn("the DTLS sessions of the last run cannot be used: devices connect again", error);
      return undefined;
    }
  }
}

/** Who a peer says it is, for the event that tells of its refusal. */
function shownBy(claim: { readonly chain: readonly Uint8Array[] } | undefined) {
  const leaf = claim?.chain[0];
  if (leaf === undefined) return {};
  return { deviceId: nameIn(leaf), fingerprint: fingerprintOfDer(leaf) };
}

function nameIn(certificate: Uint8Array): string | undefined {
  try {
    return claimedIdentity(parseCertificate(certificate));
  } catch {
    return undefined;
  }
}

function credentialOf({ key, certificateChain: cert }: Identity): Credential {
  try {
    return certificateCredential({ cert, key });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError(
      "GATEWAY_IDENTITY_INVALID",
      `the gateway's key and certificate cannot be used for DTLS (${why}): take a P-256, P-384, Ed25519 or RSA key`,
      { cause },
    );
  }
}

function listenError(error: unknown, host: string, port: number): GatewayError {
  const system = error instanceof DtlsError ? error.cause : error;
  const why = system instanceof Error ? system.message : String(error);
  return new GatewayError("GATEWAY_LISTEN_FAILED", `UDP port ${port} on ${host} cannot be opened: ${why}`, {
    cause: error,
  });
}
