import type { DeviceIdentity } from "./identity.ts";
import type { QoS, QueueLimits } from "./offline-queue.ts";
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

export interface Will {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos?: QoS;
  readonly retain?: boolean;
}

export interface ConnectOptions extends SessionOptions, TrustOptions {
  /** Who this device is, and which trust anchors it believes: see `loadIdentity`. */
  readonly identity: DeviceIdentity;
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
  /** Unsettled messages. Default 1000 messages, 16 MiB, `reject`. */
  readonly queue?: Partial<QueueLimits>;
  /** Messages handed to the connection and not yet acknowledged. Default 32. */
  readonly maxInFlight?: number;
  /** The largest packet taken from the gateway, in octets. Default 1 MiB. */
  readonly maxPacketBytes?: number;
  /**
   * Octets that the gateway may send within TLS that are no application data, as KeyUpdates, tickets, empty records and
   * padding: so many at once, and so many a second while it takes what it is sent. Default 64 KiB, at least 32 KiB.
   */
  readonly maxTlsOverheadBytes?: number;
}

/** What is used where an option is left out. */
export const defaults = {
  ...sessionDefaults,
  port: 8883,
  keepaliveSeconds: 60,
  queue: { maxMessages: 1_000, maxBytes: 16 * 2 ** 20, overflow: "reject" },
  maxInFlight: 32,
  maxPacketBytes: 2 ** 20,
  maxTlsOverheadBytes: 2 ** 16,
  maxSubscriptions: 1_000,
} as const;

export interface Settings extends SessionSettings, TrustSettings {
  readonly clientId: string;
  readonly keepaliveSeconds: number;
  readonly cleanSession: boolean;
  readonly will: Required<Will> | undefined;
  readonly queue: QueueLimits;
  readonly maxInFlight: number;
  readonly maxPacketBytes: number;
  readonly maxTlsOverheadBytes: number;
}

/** Options with every default filled in. Throws TypeError or RangeError: a mistake of the caller. */
export function parseOptions(options: ConnectOptions): Settings {
  const queue: QueueLimits = { ...defaults.queue, ...options.queue };
  if (queue.overflow !== "reject" && queue.overflow !== "drop-oldest") {
    throw new TypeError('queue.overflow is "reject" or "drop-oldest"');
  }
  const clientId = options.clientId ?? options.identity.id;
  if (clientId === "" || clientId.includes("\0") || Buffer.byteLength(clientId) > 0xffff) {
    throw new TypeError("clientId is 1 to 65535 octets without NUL");
  }
  const maxTlsOverheadBytes = options.maxTlsOverheadBytes ?? defaults.maxTlsOverheadBytes;
  // Below it an honest record of which a part has come would be too much.
  if (!Number.isSafeInteger(maxTlsOverheadBytes) || maxTlsOverheadBytes < 2 ** 15) {
    throw new RangeError("maxTlsOverheadBytes is a whole number from 32768");
  }
  const keepaliveSeconds = options.keepaliveSeconds ?? defaults.keepaliveSeconds;
  // MQTT 3.1.1 §3.1.2.10: Keep Alive is a 16-bit word.
  if (!Number.isInteger(keepaliveSeconds) || keepaliveSeconds < 0 || keepaliveSeconds > 0xffff) {
    throw new RangeError("keepaliveSeconds is 0 to 65535");
  }
  return {
    ...parseSessionOptions(options, defaults.port),
    ...parseTrustOptions(options, options.identity.anchors),
    clientId,
    keepaliveSeconds,
    cleanSession: options.cleanSession ?? false,
    will: options.will && parseWill(options.will),
    queue: {
      maxMessages: positive("queue.maxMessages", queue.maxMessages),
      maxBytes: positive("queue.maxBytes", queue.maxBytes),
      overflow: queue.overflow,
    },
    maxInFlight: positive("maxInFlight", options.maxInFlight ?? defaults.maxInFlight),
    maxPacketBytes: positive("maxPacketBytes", options.maxPacketBytes ?? defaults.maxPacketBytes),
    maxTlsOverheadBytes,
  };
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
