import { DatagramSession } from "./datagram-session.ts";
import { certificateTerms, DtlsLine, pskTerms, type VerifiedAssociation } from "./dtls-line.ts";
import {
  type ConnectDtlsOptions,
  type ConnectPskOptions,
  type DtlsSettings,
  parseDtlsOptions,
  parsePskOptions,
} from "./dtls-options.ts";
import { assertSameDevice, type DeviceIdentity } from "./identity.ts";
import { NodeDtlsClientLine } from "./node-dtls-client-line.ts";
import { parsePins } from "./session-options.ts";

/** One device's session over DTLS with certificates. */
export class DtlsSession extends DatagramSession<DeviceIdentity, VerifiedAssociation> {
  readonly #settings: DtlsSettings;

  /** Use `connectDtls` or `openDtlsSession`. */
  constructor(options: ConnectDtlsOptions) {
    const settings = parseDtlsOptions(options);
    // Here, not in some attempt: for a key that DTLS does not know no retry would ever help.
    options.identity.dtlsCredential();
    super({
      who: options.identity,
      settings,
      line: (listener) => new DtlsLine(settings, certificateTerms(settings), listener),
      fingerprintOf: ({ certificate }) => certificate.fingerprint,
    });
    this.#settings = settings;
  }

  /** The identity that the gateway accepted last, or the first one. */
  get identity(): DeviceIdentity {
    return this.who;
  }

  /**
   * Goes on under a new key and certificate of the same device; resolves once the gateway has accepted them. If it
   * refuses them, this rejects with that reason and the session goes on under the previous ones.
   */
  async replaceIdentity(identity: DeviceIdentity): Promise<void> {
    assertSameDevice(this.identity, identity);
    parsePins(this.#settings.pins, identity.anchors);
    identity.dtlsCredential();
    await this.replace(identity);
  }
}

/**
 * Connects to the gateway over DTLS 1.2 and resolves once both have proven who they are. From then on the session
 * reconnects by itself until `close()`: after a loss, and after `silenceMs` without an answer to what was sent.
 *
 * The gateway is verified within the handshake, also when a session is resumed: RFC 5280 path to the identity's anchors
 * for serverAuth, its name in subjectAltName (RFC 9525), its time, and the pins where given. A failure of the first
 * attempt rejects with the errors of `connect`.
 */
export function connectDtls(options: ConnectDtlsOptions): Promise<DtlsSession> {
  return connected(new DtlsSession(options));
}

/** A session that may begin offline: it connects in the background, retrying until `close()`. See `openSession`. */
export function openDtlsSession(options: ConnectDtlsOptions): DtlsSession {
  return new DtlsSession(options);
}

/**
 * Connects over DTLS 1.2 to a server that knows this device by a pre-shared key, as `connectDtls` does by certificates.
 * Sallyport's own gateway does not: there a device has a certificate.
 *
 * A wrong key shows as DEVICE_REFUSED or DEVICE_GATEWAY_UNTRUSTED, or, where the server keeps quiet, as DEVICE_TIMEOUT.
 */
export function connectPsk(options: ConnectPskOptions): Promise<DatagramSession> {
  return connected(openPskSession(options));
}

/** As `openDtlsSession`, with a pre-shared key. */
export function openPskSession(options: ConnectPskOptions): DatagramSession {
  const { psk, ...settings } = parsePskOptions(options);
  if (settings.transport === "node-dtls-client") {
    return new DatagramSession({
      who: psk,
      settings,
      line: (listener) => new NodeDtlsClientLine(settings, listener),
    });
  }
  return new DatagramSession({
    who: psk,
    settings,
    line: (listener) => new DtlsLine(settings, pskTerms, listener),
  });
}

async function connected<S extends DatagramSession>(session: S): Promise<S> {
  try {
    await new Promise<void>((resolve, reject) => {
      session.once("connected", () => resolve());
      session.once("reconnecting", ({ reason }) => reject(reason));
    });
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}
