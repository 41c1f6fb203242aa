import { isIP } from "node:net";
import type { Certificate, CertificateList } from "../pki/index.ts";
import { spkiPin } from "../pki/index.ts";

/** Calls back once after `delayMs`, unless the function it returns is called first. Tests own the time with it. */
export type StartTimer = (callback: () => void, delayMs: number) => () => void;

/** How the gateway is named to a session: a text with an optional port, or its parts. */
export type GatewayOption =
  | string
  | { readonly host: string; readonly port?: number; readonly serverName?: string };

/** What the sessions of every transport have in common. */
export interface SessionOptions {
  /**
   * `"host"`, `"host:port"`, `"[2001:db8::1]:port"` or the parts. Port 8883 for MQTT and 5684 for DTLS unless given.
   * `serverName` is the name that the gateway's certificate must carry, when it is not `host`.
   */
  readonly gateway: GatewayOption;
  /** For the whole way to a session. Default 15000. */
  readonly connectTimeoutMs?: number;
  /** Bounds of the back-off: see `Backoff`. Default 1000 to 60000. */
  readonly reconnect?: { readonly minMs?: number; readonly maxMs?: number; readonly stableAfterMs?: number };
  /** For tests. */
  readonly now?: () => Date;
  readonly random?: () => number;
  readonly startTimer?: StartTimer;
}

/** What is demanded of a gateway that proves itself by a certificate. */
export interface TrustOptions {
  /**
   * Pinned keys, `sha256/<base64>` over the SubjectPublicKeyInfo: of the gateway's certificate, or of the issuing
   * CA's, the current one and the next. One of them must be in the *validated* path. A pin adds to the checks of
   * chain, name and time; it replaces none. A pin of a trust anchor is refused, since it would pin nothing.
   */
  readonly pins?: readonly string[];
  /** Revocation lists for the gateway's chain, and what to do without a current one. Default `when-available`. */
  readonly crls?: readonly CertificateList[];
  readonly revocation?: "when-available" | "require";
}

/** What is used where an option is left out. */
export const sessionDefaults = {
  connectTimeoutMs: 15_000,
  reconnect: { minMs: 1_000, maxMs: 60_000, stableAfterMs: 10_000 },
} as const;

/** Where the gateway is and which name it must prove. */
export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
}

export interface SessionSettings {
  readonly gateway: GatewayAddress;
  readonly connectTimeoutMs: number;
  readonly reconnect: { readonly minMs: number; readonly maxMs: number; readonly stableAfterMs: number };
  readonly now: () => Date;
  readonly random: () => number;
  readonly startTimer: StartTimer;
}

export interface TrustSettings {
  readonly pins: readonly string[];
  readonly crls: readonly CertificateList[];
  readonly revocation: "when-available" | "require";
}

/** Options with every default filled in. Throws TypeError or RangeError: a mistake of the caller. */
export function parseSessionOptions(options: SessionOptions, defaultPort: number): SessionSettings {
  const reconnect = { ...sessionDefaults.reconnect, ...options.reconnect };
  positive("reconnect.minMs", reconnect.minMs);
  positive("reconnect.maxMs", reconnect.maxMs);
  if (reconnect.maxMs < reconnect.minMs) throw new RangeError("reconnect.maxMs is less than reconnect.minMs");
  const { connectTimeoutMs = sessionDefaults.connectTimeoutMs } = options;
  return {
    gateway: parseGateway(options.gateway, defaultPort),
    connectTimeoutMs: positive("connectTimeoutMs", connectTimeoutMs),
    reconnect,
    now: options.now ?? (() => new Date()),
    random: options.random ?? Math.random,
    startTimer: options.startTimer ?? startRuntimeTimer,
  };
}

/** Throws TypeError. */
export function parseTrustOptions(options: TrustOptions, anchors: readonly Certificate[]): TrustSettings {
  return {
    pins: parsePins(options.pins ?? [], anchors),
    crls: options.crls ?? [],
    revocation: options.revocation ?? "when-available",
  };
}

/** `"host"`, `"host:port"`, `"[IPv6]:port"` or a bare IPv6 address. */
export function parseGateway(gateway: GatewayOption, defaultPort: number): GatewayAddress {
  if (typeof gateway === "string") return parseGatewayText(gateway, defaultPort);
  return checkedAddress(gateway.host, gateway.port ?? defaultPort, gateway.serverName);
}

function parseGatewayText(text: string, defaultPort: number): GatewayAddress {
  if (text.includes("/")) throw new TypeError(`gateway is "host:port", without a scheme: ${text}`);
  if (isIP(text) === 6) return checkedAddress(text, defaultPort);
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || (match?.[1] !== undefined && isIP(match[1]) !== 6)) {
    throw new TypeError(`gateway is "host:port", not ${JSON.stringify(text)}`);
  }
  return checkedAddress(host, match?.[3] === undefined ? defaultPort : Number(match[3]));
}

function checkedAddress(host: string, port: number, serverName: string = host): GatewayAddress {
  if (host === "" || serverName === "") throw new TypeError("gateway needs a host");
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new RangeError("gateway port is 1 to 65535");
  return { host, port, serverName };
}

/** Throws unless each pin is a SHA-256 of an SPKI in its one canonical spelling, and of no trust anchor. */
export function parsePins(pins: readonly string[], anchors: readonly Certificate[]): readonly string[] {
  const anchorPins = new Set(anchors.map((anchor) => spkiPin(anchor)));
  for (const pin of pins) {
    const digest = Buffer.from(pin.slice("sha256/".length), "base64");
    if (digest.length !== 32 || pin !== `sha256/${digest.toString("base64")}`) {
      throw new TypeError(`a pin is "sha256/" and the base64 of 32 octets, not ${JSON.stringify(pin)}`);
    }
    if (anchorPins.has(pin)) {
      throw new TypeError(
        `${pin} is a trust anchor, which every chain leads to: pin the gateway or its issuing CA`,
      );
    }
  }
  return pins;
}

/** Throws RangeError unless `value` is a positive whole number. */
export function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value <= 0) throw new RangeError(`${name} is a positive whole number`);
  return value;
}

function startRuntimeTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
