import { type ConnectOptions, connect, type DTLSSession, type DtlsError } from "../dtls/index.ts";
import type { DatagramLine, DatagramLineListener } from "./datagram-session.ts";
import { dtlsDialError, dtlsEndError, dtlsRefusalOf } from "./dtls-meaning.ts";
import type { DatagramSettings, DtlsSettings, PskCredential } from "./dtls-options.ts";
import { DeviceError, errorOf } from "./errors.ts";
import { addressesOf, firstToOpen } from "./first-to-open.ts";
import { checkGatewayChain } from "./gateway-check.ts";
import type { DeviceIdentity } from "./identity.ts";

/** Messages that may arrive between the end of the handshake and the beginning of the exchange. */
const mostEarlyMessages = 64;

/** RFC 8449 §4: no limit at all, which a client has to say to be told the server's. */
const largestRecord = 16_384;

/** What one dial proves itself by, and by what it knows the gateway. */
interface Terms {
  readonly options: Partial<ConnectOptions>;
  /** Once the gateway was verified: the SHA-256 of its certificate in hex, where it has one. */
  readonly fingerprint: () => string | undefined;
}

/** By certificates: the gateway's chain is judged within the handshake, before anything of this device is shown. */
export function certificateTerms(settings: DtlsSettings): (identity: DeviceIdentity) => Terms {
  const { gateway, pins, crls, revocation, now } = settings;
  return (identity) => {
    const rules = {
      serverName: gateway.serverName,
      anchors: identity.anchors,
      pins,
      crls,
      revocation,
      now,
    };
    let fingerprint: string | undefined;
    const options = {
      credentials: identity.dtlsCredential(),
      // Asked when a session is resumed, too.
      verifyPeer: ({ chain }: { readonly chain: readonly Uint8Array[] }) => {
        try {
          ({ fingerprint } = checkGatewayChain(chain, rules).leaf);
          return true;
        } catch (error) {
          throw dtlsRefusalOf(errorOf(error));
        }
      },
    };
    return { options, fingerprint: () => fingerprint };
  };
}

/** By a pre-shared key, and by nothing else: no suite with certificates is offered. */
export function pskTerms(psk: PskCredential): Terms {
  const options = { psk: { identity: psk.identity, key: psk.exportKey() } };
  return { options, fingerprint: () => undefined };
}

/** An association whose peer has proven to be the gateway. */
export interface VerifiedAssociation {
  readonly session: DTLSSession;
  readonly fingerprint: string | undefined;
  /** What came before anybody asked. */
  readonly early: readonly Uint8Array[];
}

/** DTLS by our own stack, one association after another; each resumes the one before where the gateway allows it. */
export class DtlsLine<Who> implements DatagramLine<Who, VerifiedAssociation> {
  readonly #settings: DatagramSettings;
  readonly #termsFor: (who: Who) => Terms;
  readonly #listener: DatagramLineListener;
  #association: VerifiedAssociation | undefined;
  #resumable: { readonly who: Who; readonly session: Uint8Array } | undefined;
  /** Why it ends, where that is ours to say; without an error it was in order. */
  #end: { readonly error: DeviceError | undefined } | undefined;

  constructor(settings: DatagramSettings, termsFor: (who: Who) => Terms, listener: DatagramLineListener) {
    this.#settings = settings;
    this.#termsFor = termsFor;
    this.#listener = listener;
  }

  get maxMessageBytes(): number {
    return this.#association?.session.maxMessageSize ?? 0;
  }

  async dial(who: Who, signal: AbortSignal): Promise<VerifiedAssociation> {
    const { gateway, startTimer } = this.#settings;
    const resumable = this.#takeResumable(who);
    return firstToOpen({
      addresses: await addressesOf(gateway),
      startTimer,
      signal,
      open: (address, attempt) => this.#open(address, who, resumable, attempt),
      abandon: (association) => this.abandon(association),
    });
  }

  async #open(
    address: string,
    who: Who,
    resumable: Uint8Array | undefined,
    signal: AbortSignal,
  ): Promise<VerifiedAssociation> {
    const { gateway, connectTimeoutMs, retransmission } = this.#settings;
    const { options, fingerprint } = this.#termsFor(who);
    const session = connect(address, gateway.port, {
      ...options,
      servername: gateway.serverName,
      handshakeTimeout: connectTimeoutMs,
      retransmission,
      // Said, so that the gateway says its own: `maxMessageBytes` is then what it takes.
      recordSizeLimit: largestRecord,
      session: resumable,
    });
    const early: Uint8Array[] = [];
    session.on("message", (data) => {
      if (early.length < mostEarlyMessages) early.push(data);
    });
    session.on("session", (given) => {
      this.#resumable = { who, session: given };
    });
    const onAbort = () => session.destroy();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await session.opened;
      return { session, fingerprint: fingerprint(), early };
    } catch (error) {
      signal.throwIfAborted();
      throw dtlsDialError(error, gateway);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  abandon({ session }: VerifiedAssociation): void {
    // The gateway need not keep what nobody uses.
    session.close().catch(() => undefined);
  }

  attach(association: VerifiedAssociation): void {
    const { session, fingerprint, early } = association;
    this.#end = undefined;
    if (session.destroyed) return this.#listener.closed(dtlsEndError(undefined));
    this.#association = association;
    session.on("close", (error) => this.#closed(error));
    const { cipher, protocol = "", reused: resumed } = session;
    this.#listener.accepted({ resumed, fingerprint, protocol, cipher: cipher?.standardName ?? "" });
    this.#listener.ready();
    session.removeAllListeners("message");
    session.on("message", (data) => this.#listener.message(data));
    for (const data of early) this.#listener.message(data);
  }

  send(data: Uint8Array): void {
    try {
      this.#association?.session.send(data);
    } catch (error) {
      throw new DeviceError("DEVICE_CONNECTION_LOST", "the connection to the gateway is lost", {
        cause: error,
      });
    }
  }

  disconnect(): void {
    this.#end ??= { error: undefined };
    // What it rejects with is told by "close".
    this.#association?.session.close().catch(() => undefined);
  }

  drop(error: DeviceError): void {
    this.#end ??= { error };
    this.#association?.session.destroy();
  }

  end(): void {
    this.#resumable = undefined;
  }

  /** At most once: one that the gateway refuses must not be tried again and again. */
  #takeResumable(who: Who): Uint8Array | undefined {
    const resumable = this.#resumable;
    this.#resumable = undefined;
    return resumable?.who === who ? resumable.session : undefined;
  }

  #closed(error: DtlsError | undefined): void {
    // RFC 5246 §7.2.2: after a fatal alert it must not be resumed, and has nothing to resume with.
    if (this.#association?.session.session === undefined) this.#resumable = undefined;
    this.#association = undefined;
    this.#listener.closed(this.#end === undefined ? dtlsEndError(error) : this.#end.error);
  }
}
