import type { DeviceIdentity } from "./identity.ts";
import {
  parseSessionOptions,
  parseTrustOptions,
  positive,
  type SessionOptions,
  type SessionSettings,
  sessionDefaults,
  type TrustOptions,
  type TrustSettings,
} from "./session-options.ts";

/** What sessions over DTLS have in common. */
export interface DatagramOptions extends SessionOptions {
  /**
   * When something was sent and nothing came back for this long, the gateway is taken to have lost the session (a
   * restart, a network that moved the device), and it is begun again. 0: never, for devices that expect no answer.
   * Default 30000.
   */
  readonly silenceMs?: number;
  /**
   * RFC 6347 §4.2.4.1: before a handshake flight is sent again, doubled each time. Default 1000 to 60000; RFC 7925 §11
   * wants 9000 for slow networks, and then a longer `connectTimeoutMs`.
   */
  readonly retransmission?: { readonly initialMs?: number; readonly maximumMs?: number };
}

export interface ConnectDtlsOptions extends DatagramOptions, TrustOptions {
  /** Who this device is, and which trust anchors it believes: see `loadIdentity`. Its key may be behind any `Signer`. */
  readonly identity: DeviceIdentity;
}

export interface ConnectPskOptions extends DatagramOptions {
  /** The name of the key, 1 to 128 bytes of UTF-8 (RFC 4279 §5.3). */
  readonly identity: string;
  /** The pre-shared key, 16 to 64 bytes. */
  readonly key: Uint8Array;
  /** Who speaks DTLS: Sallyport itself (default), or the package node-dtls-client, which knows no extension of it. */
  readonly transport?: "dtls" | "node-dtls-client";
}

/** What is used where an option is left out. */
export const dtlsDefaults = {
  ...sessionDefaults,
  port: 5684,
  // Enough for four retransmissions of a flight.
  connectTimeoutMs: 30_000,
  silenceMs: 30_000,
  retransmission: { initialMs: 1_000, maximumMs: 60_000 },
} as const;

export interface DatagramSettings extends SessionSettings {
  readonly silenceMs: number;
  readonly retransmission: { readonly initialMs: number; readonly maximumMs: number };
}

export interface DtlsSettings extends DatagramSettings, TrustSettings {}

export interface PskSettings extends DatagramSettings {
  readonly transport: "dtls" | "node-dtls-client";
}

/** The name of a pre-shared key, and the key. It does not show in logs or `util.inspect`. */
export class PskCredential {
  readonly identity: string;
  readonly #key: Uint8Array;

  constructor(identity: string, key: Uint8Array) {
    this.identity = identity;
    this.#key = key;
  }

  /** For a DTLS stack. Keep it out of logs. */
  exportKey(): Uint8Array {
    return this.#key;
  }
}

/** Options with every default filled in. Throws TypeError or RangeError: a mistake of the caller. */
export function parseDtlsOptions(options: ConnectDtlsOptions): DtlsSettings {
  return { ...parseDatagramOptions(options), ...parseTrustOptions(options, options.identity.anchors) };
}

/** Options with every default filled in. Throws TypeError or RangeError: a mistake of the caller. */
export function parsePskOptions(options: ConnectPskOptions): PskSettings & { readonly psk: PskCredential } {
  const { identity, key, transport = "dtls" } = options;
  if (
    typeof identity !== "string" ||
    !identity.isWellFormed() ||
    !between(Buffer.byteLength(identity), 1, 128)
  ) {
    throw new TypeError("identity is 1 to 128 octets of UTF-8");
  }
  // RFC 9257 §6: a key that can be guessed is tried out offline on one recorded handshake.
  if (!(key instanceof Uint8Array) || !between(key.length, 16, 64)) {
    throw new RangeError("key is 16 to 64 octets, and random");
  }
  if (transport !== "dtls" && transport !== "node-dtls-client") {
    throw new TypeError('transport is "dtls" or "node-dtls-client"');
  }
  // The caller may wipe its own.
  const psk = new PskCredential(identity, Uint8Array.from(key));
  return { ...parseDatagramOptions(options), transport, psk };
}

function parseDatagramOptions(options: DatagramOptions): DatagramSettings {
  const { connectTimeoutMs = dtlsDefaults.connectTimeoutMs, silenceMs = dtlsDefaults.silenceMs } = options;
  if (silenceMs !== 0) positive("silenceMs", silenceMs);
  const retransmission = { ...dtlsDefaults.retransmission, ...options.retransmission };
  // What `connect` of dtls/ takes: what it refuses would be refused again and again, in each attempt.
  inRange("connectTimeoutMs", connectTimeoutMs, 1, 3_600_000);
  inRange("retransmission.initialMs", retransmission.initialMs, 10, 60_000);
  inRange("retransmission.maximumMs", retransmission.maximumMs, retransmission.initialMs, 600_000);
  return {
    ...parseSessionOptions({ ...options, connectTimeoutMs }, dtlsDefaults.port),
    silenceMs,
    retransmission,
  };
}

function inRange(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && between(value, least, most)) return;
  throw new RangeError(`${name} is a whole number from ${least} to ${most}`);
}

function between(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
