import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import type { Transport } from "../attack.ts";
import { DtlsClient } from "../dtls/client.ts";
import type { Address, Credential } from "../endpoint.ts";
import type { LabPki } from "../mint/lab-pki.ts";
import { Recorder } from "../record/recorder.ts";
import type { PairSession } from "../targets.ts";
import { TlsClient } from "../tls/client.ts";
import { firstWords } from "./first-words.ts";
import { type PairRules, weakNegotiation } from "./pair-rules.ts";
import { Talk, welcome } from "./pair-talk.ts";
import { twinVerifier, type Verifier } from "./verify.ts";

/** For the next message of a handshake, ms. */
const answerMs = 1_500;
/** Before a failed handshake is begun again, ms. */
const againMs = 20;
/** When it is given up, ms. */
const openingMs = 4_000;
/** How long words in clear may take to arrive before a handshake, at a twin that would skip them, ms. */
const wordsMs = 100;

interface Parts {
  readonly credential: Credential;
  readonly serverName: string;
  readonly verifyPeer: Verifier;
  readonly rules: PairRules;
}

/** The device of a pair: it dials until it has a session, and then says and hears texts. */
export class PairDevice {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async of(pki: LabPki, serverName: string, rules: PairRules): Promise<PairDevice> {
    return new PairDevice({
      credential: await pki.device("pump-1"),
      serverName,
      rules,
      verifyPeer: twinVerifier({
        purpose: "serverAuth",
        anchors: pki.anchors,
        serverNames: [serverName],
        tolerates: rules.engine,
      }),
    });
  }

  dial(transport: Transport, to: Address, gateway: PairSide): PairSession {
    const { rules } = this.#parts;
    return new DeviceSession({ gateway, transport, rules, newEnd: () => this.#newEnd(transport, to) });
  }

  async #newEnd(transport: Transport, to: Address): Promise<TlsClient | DtlsClient> {
    const { credential, serverName, verifyPeer, rules } = this.#parts;
    const options = {
      recorder: new Recorder(),
      self: "device",
      peer: "gateway",
      credential,
      serverName,
      verifyPeer,
      tolerates: rules.engine,
      answerMs,
      ...weakNegotiation(rules, transport),
    } as const;
    if (transport === "dtls") {
      return DtlsClient.connect(to, { ...options, connectionId: randomBytes(8), retransmitMs: 150 });
    }
    if (!rules.tolerates.has("plaintext-before-handshake-skipped")) return TlsClient.connect(to, options);
    const socket = connect({ ...to, noDelay: true, allowHalfOpen: true });
    socket.on("error", () => undefined);
    await once(socket, "connect");
    await firstWords(socket, wordsMs);
    return TlsClient.over(socket, options);
  }
}

/** The other side of the session, which the lab commands too. */
export interface PairSide {
  readonly heard: readonly string[];
  say(text: string): void;
}

interface SessionParts {
  readonly transport: Transport;
  readonly rules: PairRules;
  readonly gateway: PairSide;
  readonly newEnd: () => Promise<TlsClient | DtlsClient>;
}

class DeviceSession implements PairSession {
  readonly opened: Promise<boolean>;
  readonly ended: Promise<string>;
  readonly gatewayGot: readonly string[];
  readonly deviceGot: string[] = [];
  isOpen = false;
  readonly #parts: SessionParts;
  readonly #opened = Promise.withResolvers<boolean>();
  readonly #ended = Promise.withResolvers<string>();
  readonly #life: Promise<void>;
  readonly #closing = new AbortController();
  #end: TlsClient | DtlsClient | undefined;
  #talk: Talk | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.gatewayGot = parts.gateway.heard;
    this.opened = this.#opened.promise;
    this.ended = this.#ended.promise;
    this.#life = this.#live();
  }

  deviceSays(text: string): void {
    this.#talk?.say(text);
  }

  gatewaySays(text: string): void {
    this.#parts.gateway.say(text);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.isOpen = false;
    this.#end?.destroy();
    this.#opened.resolve(false);
    this.#ended.resolve("closed by the lab");
    await this.#life;
  }

  /** Until a session was opened and has ended, or none comes about. */
  async #live(): Promise<void> {
    const { rules, newEnd } = this.#parts;
    const deadline = performance.now() + openingMs;
    while (!this.#closing.signal.aborted && performance.now() < deadline) {
      try {
        this.#end = await newEnd();
        const how = await this.#session(this.#end);
        if (how !== undefined) return this.#ended.resolve(how);
      } catch {
        // Nobody listens there, or not yet.
      } finally {
        this.#end?.destroy();
      }
      if (rules.tolerates.has("handshake-failure-is-final")) break;
      await pause(againMs, this.#closing.signal);
    }
    this.#opened.resolve(false);
    this.#ended.resolve("no session came about");
  }

  /** Why the session ended; undefined where none came about. */
  async #session(end: TlsClient | DtlsClient): Promise<string | undefined> {
    const { transport, rules } = this.#parts;
    const result = await end.handshake();
    if (!result.completed || this.#closing.signal.aborted) return undefined;
    const heard = (text: string) => {
      if (this.isOpen) this.deviceGot.push(text);
      else if (text === welcome) this.#open();
    };
    const { tolerates } = rules;
    this.#talk = new Talk(end, { transport, tolerates, heard });
    if (transport === "dtls") this.#open();
    const how = await this.#talk.listen();
    if (!this.isOpen) return undefined;
    this.isOpen = false;
    return how;
  }

  #open(): void {
    this.isOpen = true;
    this.#opened.resolve(true);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    const wake = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", wake, { once: true });
  });
}
