import { isIP } from "node:net";
import type { Certificate, CertificateList } from "../pki/index.ts";
import { spkiPin } from "../pki/index.ts";
import type { DeviceIdentity } from "./identity.ts";
import type { QoS, QueueLimits } from "./offline-queue.ts";

/** Calls back once after `delayMs`, unless the function it returns is called first. Tests own the time with it. */
export type StartTimer = (callback: () => void, delayMs: number) => () => void;

export interface Will {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos?: QoS;
  readonly retain?: boolean;
}

export interface ConnectOptions {
  /** Who this device is, and which trust anchors it believes: see `loadIdentity`. */
  readonly identity: DeviceIdentity;
  /**
   * `"host"`, `"host:port"`, `"[2001:db8::1]:port"` or the parts. Port 8883 unless given.
   * `serverName` is the name that the gateway's certificate must carry, when it is not `host`.
   */
  readonly gateway: string | { readonly host: string; readonly port?: number; readonly serverName?: string };
  /**
   * Pinned keys, `sha256/<base64>` over the SubjectPublicKeyInfo: of the gateway's certificate, or of the issuing
   * CA's, the current one and the next. One of them must be in the *validated* path. A pin adds to the checks of
   * chain, name and time; it replaces none. A pin of a trust anchor is refused, since it would pin nothing.
   */
  readonly pins?: readonly string[];
  /** Default: the device id. The gateway takes the id itself, or `<id>/…`. */
  readonly clientId?: string;
  /** Seconds between PINGREQs on an idle connection, 0 to 65535. Default 60. 0 switches them off. */
  readonly keepaliveSeconds?: number;
  /**
   * Default false: the gateway keeps subscriptions and undelivered QoS 1 and 2 messages while the device is away
   * (MQTT 3.1.1 §3.1.2.4). True starts without them each time.
   */
  readonly cleanSession?: boolean;
  /** What the gateway publishes when this session ends without a DISCONNECT. */
  readonly will?: Will;
  /** For TCP, TLS and CONNACK together. Default 15000. */
  readonly connectTimeoutMs?: number;
  /** Bounds of the back-off: see `Backoff`. Default 1000 to 60000. */
  readonly reconnect?: { readonly minMs?: number; readonly maxMs?: number; readonly stableAfterMs?: number };
  /** Unsettled messages. Default 1000 messages, 16 MiB, `reject`. */
  readonly queue?: Partial<QueueLimits>;
  /** Messages handed to the connection and not yet acknowledged. Default 32. */
  readonly maxInFlight?: number;
  /** The largest packet taken from the gateway, in octets. Default 1 MiB. */
  readonly maxPacketBytes?: number;
  /** Revocation lists for the gateway's chain, and what to do without a current one. Default `when-available`. */
  readonly crls?: readonly CertificateList[];
  readonly revocation?: "when-available" | "require";
  /** For tests. */
  readonly now?: () => Date;
  readonly random?: () => number;
  readonly startTimer?: StartTimer;
}

/** What is used where an option is left out. */
export const defaults = {
  port: 8883,
  keepaliveSeconds: 60,
  connectTimeoutMs: 15_000,
  reconnect: { minMs: 1_000, maxMs: 60_000, stableAfterMs: 10_000 },
  queue: { maxMessages: 1_000, maxBytes: 16 * 2 ** 20, overflow: "reject" },
  maxInFlight: 32,
  maxPacketBytes: 2 ** 20,
  maxSubscriptions: 1_000,
} as const;

/** Where the gateway is and which name it must prove. */
export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
}

export interface Settings {
  readonly gateway: GatewayAddress;
  readonly pins: readonly string[];
  readonly clientId: string;
  readonly keepaliveSeconds: number;
  readonly cleanSession: boolean;
  readonly will: Required<Will> | undefined;
  readonly connectTimeoutMs: number;
  readonly reconnect: { readonly minMs: number; readonly maxMs: number; readonly stableAfterMs: number };
  readonly queue: QueueLimits;
  readonly maxInFlight: number;
  readonly maxPacketBytes: number;
  readonly crls: readonly CertificateList[];
  readonly revocation: "when-available" | "require";
  readonly now: () => Date;
  readonly random: () => number;
  readonly startTimer: StartTimer;
}

/** Options with every default filled in. Throws TypeError or RangeError: a mistake of the caller. */
export function parseOptions(options: ConnectOptions): Settings {
  const reconnect = { ...defaults.reconnect, ...options.reconnect };
  positive("reconnect.minMs", reconnect.minMs);
  positive("reconnect.maxMs", reconnect.maxMs);
  if (reconnect.maxMs < reconnect.minMs) throw new RangeError("reconnect.maxMs is less than reconnect.minMs");
  const queue: QueueLimits = { ...defaults.queue, ...options.queue };
  if (queue.overflow !== "reject" && queue.overflow !== "drop-oldest") {
    throw new TypeError('queue.overflow is "reject" or "drop-oldest"');
  }
  const clientId = options.clientId ?? options.identity.id;
  if (clientId === "" || clientId.includes("\0") || Buffer.byteLength(clientId) > 0xffff) {
    throw new TypeError("clientId is 1 to 65535 octets without NUL");
  }
  const keepaliveSeconds = options.keepaliveSeconds ?? defaults.keepaliveSeconds;
  // MQTT 3.1.1 §3.1.2.10: Keep Alive is a 16-bit word.
  if (!Number.isInteger(keepaliveSeconds) || keepaliveSeconds < 0 || keepaliveSeconds > 0xffff) {
    throw new RangeError("keepaliveSeconds is 0 to 65535");
  }
  return {
    gateway: parseGateway(options.gateway),
    pins: parsePins(options.pins ?? [], options.identity.anchors),
    clientId,
    keepaliveSeconds,
    cleanSession: options.cleanSession ?? false,
    will: options.will && parseWill(options.will),
    connectTimeoutMs: positive("connectTimeoutMs", options.connectTimeoutMs ?? defaults.connectTimeoutMs),
    reconnect,
    queue: {
      maxMessages: positive("queue.maxMessages", queue.maxMessages),
      maxBytes: positive("queue.maxBytes", queue.maxBytes),
      overflow: queue.overflow,
    },
    maxInFlight: positive("maxInFlight", options.maxInFlight ?? defaults.maxInFlight),
    maxPacketBytes: positive("maxPacketBytes", options.maxPacketBytes ?? defaults.maxPacketBytes),
    crls: options.crls ?? [],
    revocation: options.revocation ?? "when-available",
    now: options.now ?? (() => new Date()),
    random: options.random ?? Math.random,
    startTimer: options.startTimer ?? startRuntimeTimer,
  };
}

/** `"host"`, `"host:port"`, `"[IPv6]:port"` or a bare IPv6 address. */
export function parseGateway(gateway: ConnectOptions["gateway"]): GatewayAddress {
  if (typeof gateway === "string") return parseGatewayText(gateway);
  return checkedAddress(gateway.host, gateway.port ?? defaults.port, gateway.serverName);
}

function parseGatewayText(text: string): GatewayAddress {
  if (text.includes("/")) throw new TypeError(`gateway is "host:port", without a scheme: ${text}`);
  if (isIP(text) === 6) return checkedAddress(text, defaults.port);
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || (match?.[1] !== undefined && isIP(match[1]) !== 6)) {
    throw new TypeError(`gateway is "host:port", not ${JSON.stringify(text)}`);
  }
  return checkedAddress(host, match?.[3] === undefined ? defaults.port : Number(match[3]));
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

function parseWill(will: Will): Required<Will> {
  assertTopicName(will.topic);
  return { topic: will.topic, payload: will.payload, qos: will.qos ?? 0, retain: will.retain ?? false };
}

/** MQTT 3.1.1 §4.7.1, §4.7.3: a topic name has 1 to 65535 octets, no NUL and no wildcard. Throws TypeError. */
export function assertTopicName(topic: string): void {
  assertTopicFilter(topic);
  if (/[+#]/.test(topic))
    throw new TypeError(`a topic to publish to has no wildcard: ${JSON.stringify(topic)}`);
}

/** MQTT 3.1.1 §4.7.1: `#` stands alone in the last level, `+` alone in any. Throws TypeError. */
export function assertTopicFilter(filter: string): void {
  if (
    filter === "" ||
    filter.includes("\0") ||
    Buffer.byteLength(filter) > 0xffff ||
    !filter.isWellFormed()
  ) {
    throw new TypeError("a topic is 1 to 65535 octets of UTF-8 without NUL");
  }
  const levels = filter.split("/");
  for (const [index, level] of levels.entries()) {
    const stray = (level.includes("+") && level !== "+") || (level.includes("#") && level !== "#");
    if (stray || (level === "#" && index < levels.length - 1)) {
      throw new TypeError(`misplaced wildcard in ${JSON.stringify(filter)}`);
    }
  }
}

function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value <= 0) throw new RangeError(`${name} is a positive whole number`);
  return value;
}

function startRuntimeTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
