import type { QoS } from "./session.ts";

/**
 * The tables of the broker's state and every change that can be made to them. An operation is a statement's name
 * followed by its parameters, so that the thread that writes needs to know nothing else.
 */
export const applicationId = 0x53_50_42_31; // "SPB1"
export const schemaVersion = 1;

export const schema = `
  CREATE TABLE sessions (client TEXT PRIMARY KEY, offline_since INTEGER) STRICT;
  CREATE TABLE subscriptions (
    position INTEGER PRIMARY KEY, client TEXT NOT NULL, topic TEXT NOT NULL, qos INTEGER NOT NULL CHECK (qos BETWEEN 0 AND 2),
    rh INTEGER, rap INTEGER, nl INTEGER, identifier INTEGER, UNIQUE (client, topic)) STRICT;
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload ANY NOT NULL, qos INTEGER NOT NULL CHECK (qos BETWEEN 0 AND 2)) STRICT;
  CREATE TABLE queue (
    client TEXT NOT NULL, seq INTEGER NOT NULL, message INTEGER, qos INTEGER NOT NULL CHECK (qos BETWEEN 0 AND 2), message_id INTEGER NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0, released INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (client, seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE inbound (
    client TEXT NOT NULL, message_id INTEGER NOT NULL, clean INTEGER NOT NULL,
    PRIMARY KEY (client, message_id)) STRICT, WITHOUT ROWID;
  CREATE TABLE retained (
    topic TEXT PRIMARY KEY, payload ANY NOT NULL, qos INTEGER NOT NULL CHECK (qos BETWEEN 0 AND 2), publisher TEXT) STRICT;
  CREATE TABLE wills (
    client TEXT PRIMARY KEY, broker TEXT NOT NULL, topic TEXT NOT NULL, payload ANY NOT NULL,
    qos INTEGER NOT NULL CHECK (qos BETWEEN 0 AND 2), retain INTEGER NOT NULL) STRICT;
`;

export const statements = {
  putSession: `INSERT INTO sessions VALUES (?, ?)
    ON CONFLICT (client) DO UPDATE SET offline_since = excluded.offline_since`,
  dropSession: "DELETE FROM sessions WHERE client = ?",
  putSubscription: `INSERT INTO subscriptions (client, topic, qos, rh, rap, nl, identifier)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (client, topic) DO UPDATE SET qos = excluded.qos, rh = excluded.rh, rap = excluded.rap,
      nl = excluded.nl, identifier = excluded.identifier`,
  dropSubscription: "DELETE FROM subscriptions WHERE client = ? AND topic = ?",
  putMessage: "INSERT INTO messages (id, topic, payload, qos) VALUES (?, ?, ?, ?)",
  dropMessage: "DELETE FROM messages WHERE id = ?",
  enqueue: "INSERT INTO queue (client, seq, message, qos, message_id) VALUES (?, ?, ?, ?, ?)",
  markSent: "UPDATE queue SET sent = 1, message_id = ? WHERE client = ? AND seq = ?",
  markReleased: "UPDATE queue SET released = 1, message = NULL WHERE client = ? AND seq = ?",
  dequeue: "DELETE FROM queue WHERE client = ? AND seq = ?",
  putInbound: "INSERT OR REPLACE INTO inbound (client, message_id, clean) VALUES (?, ?, ?)",
  dropInbound: "DELETE FROM inbound WHERE client = ? AND message_id = ?",
  putRetained: "INSERT OR REPLACE INTO retained (topic, payload, qos, publisher) VALUES (?, ?, ?, ?)",
  dropRetained: "DELETE FROM retained WHERE topic = ?",
  putWill:
    "INSERT OR REPLACE INTO wills (client, broker, topic, payload, qos, retain) VALUES (?, ?, ?, ?, ?, ?)",
  dropWill: "DELETE FROM wills WHERE client = ?",
} as const;

export type Value = string | number | null | Uint8Array;
export type Operation = readonly [name: keyof typeof statements, ...values: Value[]];

/** What a file held when it was opened: rows as the state's constructor wants them, oldest first. */
export interface StoredContents {
  readonly sessions: readonly { client: string; offline_since: number | null }[];
  readonly subscriptions: readonly {
    client: string;
    topic: string;
    qos: QoS;
    rh: number | null;
    rap: number | null;
    nl: number | null;
    identifier: number | null;
  }[];
  readonly messages: readonly { id: number; topic: string; payload: Uint8Array | string; qos: QoS }[];
  readonly queue: readonly {
    client: string;
    seq: number;
    message: number | null;
    qos: QoS;
    message_id: number;
    sent: number;
    released: number;
  }[];
  readonly inbound: readonly { client: string; message_id: number }[];
  readonly retained: readonly {
    topic: string;
    payload: Uint8Array | string;
    qos: QoS;
    publisher: string | null;
  }[];
  readonly wills: readonly {
    client: string;
    broker: string;
    topic: string;
    payload: Uint8Array | string;
    qos: QoS;
    retain: number;
  }[];
}

export const nothingStored: StoredContents = {
  sessions: [],
  subscriptions: [],
  messages: [],
  queue: [],
  inbound: [],
  retained: [],
  wills: [],
};
