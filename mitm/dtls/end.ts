import { DtlsError } from "../../dtls/index.ts";
import type { HandshakeResult, Received, ScriptedEnd } from "../endpoint.ts";
import type { Message } from "./assembly.ts";
import { type Incoming, IncomingQueue } from "./incoming.ts";
import { messageName } from "./names.ts";
import type { DtlsOptions } from "./options.ts";
import type { MessageOrder } from "./order.ts";
import type { DatagramPort } from "./port.ts";
import { Refusal } from "./refusal.ts";
import { SpeakingEnd } from "./speaking-end.ts";

const defaultRetransmitMs = 400;
const longestRetransmitMs = 8000;
/** Data that came before it could be read, in records. */
const mostEarly = 16;
/** What a weak twin can bear of alerts. */
const mostAlerts = 100;

/** One side of DTLS 1.2 that does as it is told: see ScriptedEnd. */
export abstract class DtlsEnd extends SpeakingEnd implements ScriptedEnd {
  abstract readonly order: MessageOrder;
  peerChain: readonly Uint8Array[] = [];
  protected readonly incoming: IncomingQueue;
  protected open = false;
  readonly #options: DtlsOptions;
  readonly #early: Uint8Array[] = [];
  #ended: string | undefined;
  #alerts = 0;

  protected constructor(role: "client" | "server", port: DatagramPort, options: DtlsOptions) {
    super(role, port, options);
    this.#options = options;
    this.incoming = new IncomingQueue(port, this.records, options, this.tolerance);
  }

  /** The whole handshake of this role, up to the peer's Finished or whatever takes its place. */
  protected abstract negotiate(): Promise<void>;
  /** What a message of the peer means to this role. May throw DtlsError for what cannot be read. */
  protected abstract hear(message: Message, recordSequence: number): void;

  async handshake(): Promise<HandshakeResult> {
    return (await this.attempt(() => this.negotiate())) ?? this.result();
  }

  /** A part of a handshake by hand: undefined when it went well, otherwise how it ended. */
  async attempt(
    part: () => Promise<void>,
  ): Promise<Extract<HandshakeResult, { completed: false }> | undefined> {
    try {
      await part();
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      const { alert, message: how, byThisEnd } = thrown;
      const refusedAt = this.outgoing.last;
      if (byThisEnd) {
        if (alert !== undefined) this.alert(alert);
        this.port.close();
      }
      if (thrown.isFinal) this.#ended ??= how;
      return { completed: false, refusedAt, alert, how, ...(byThisEnd && { byThisEnd }) };
    }
  }

  protected result(): HandshakeResult {
    this.open = true;
    return {
      completed: true,
      version: "DTLS 1.2",
      cipherSuite: this.suite?.id ?? 0,
      resumed: false,
      peerChain: this.peerChain,
    };
  }

  close(): void {
    if (this.#ended === undefined && this.port.closed === undefined) this.alert("close_notify");
    this.destroy();
  }

  /**
   * Ends, and says so in a way that is heard: in a session by close_notify, before there is one by a fatal alert in the
   * clear. A server that serves one peer at a time would wait for the rest of the handshake. Before ServerHello it waits
   * for nobody.
   */
  leave(): void {
    const isGone = this.#ended !== undefined || this.port.closed !== undefined;
    const isAwaited = !isGone && !this.open && this.suite !== undefined;
    if (isAwaited) this.alert("handshake_failure", { epoch: 0 });
    if (this.open) this.close();
    else this.destroy();
  }

  destroy(): void {
    this.#ended ??= "closed by this end";
    this.port.close();
  }

  // --- receiving ---

  /** What comes next, of any kind, for a handshake by hand; undefined: nothing within the time. */
  async next(timeoutMs: number): Promise<Incoming | undefined> {
    return await this.incoming.next(performance.now() + timeoutMs);
  }

  async receive(timeoutMs: number): Promise<Received> {
    const until = performance.now() + timeoutMs;
    while (this.#ended === undefined) {
      const early = this.#early.shift();
      if (early !== undefined) return { kind: "data", data: early };
      const incoming = await this.incoming.next(until);
      if (incoming === undefined) {
        if (this.port.closed === undefined) return { kind: "silence" };
        this.#ended = this.port.closed;
        break;
      }
      const received = this.#afterHandshake(incoming);
      if (received !== undefined) return received;
    }
    return { kind: "closed", how: this.#ended ?? "closed" };
  }

  #afterHandshake(incoming: Incoming): Received | undefined {
    switch (incoming.kind) {
      case "data":
        if (!this.accepts(incoming)) return undefined;
        return { kind: "data", data: incoming.data };
      case "alert": {
        // RFC 6347 §4.1: what is not protected, once there is protection, is nobody's word.
        if (this.open && incoming.epoch === 0 && this.tolerance.holds("plaintext-alert-obeyed"))
          return undefined;
        const { alert, fatal } = incoming;
        if (alert === "close_notify") {
          this.close();
          this.#ended = "close_notify";
          return { kind: "closed", how: this.#ended };
        }
        if (fatal) this.#end(`alert ${alert}`);
        else if (this.tolerance.lacks("alerts-unbounded")) this.countAlert();
        return { kind: "alert", alert, fatal };
      }
      case "repeat":
        if (this.tolerance.lacks("plaintext-handshake-obeyed"))
          return this.#endBy("a message that came again");
        if (!this.tolerance.lacks("no-retransmission")) this.outgoing.again(20);
        return undefined;
      case "invalid":
        if (!this.tolerance.lacks("invalid-record-ends-session")) return undefined;
        this.alert("decode_error");
        return this.#endBy(incoming.why);
      case "message":
        return this.#messageAfterHandshake(incoming.message);
      case "changeCipherSpec":
        if (this.tolerance.lacks("plaintext-handshake-obeyed")) {
          return this.#endBy("a ChangeCipherSpec after the handshake");
        }
        // An attacker whose handshake was cut short follows a peer that goes on all the same.
        if (this.tolerance.isAttacker && this.records.readEpoch === 0) {
          this.ensureKeys();
          this.records.readEpoch = 1;
        }
        return undefined;
    }
  }

  #messageAfterHandshake({ msgType, epoch }: Message): Received | undefined {
    if (epoch > 0 || messageName(msgType) !== "ClientHello") return undefined;
    if (!this.tolerance.lacks("session-lost-to-new-hello")) return undefined;
    return this.#endBy("a new ClientHello");
  }

  #endBy(how: string): Received {
    this.#end(how);
    return { kind: "closed", how };
  }

  #end(how: string): void {
    this.#ended = how;
    this.port.close();
  }

  /** Whether application data may be taken, by the epoch it came in. */
  protected accepts({ epoch }: { readonly epoch: number }): boolean {
    if (epoch > 0) return true;
    if (this.tolerance.lacks("plaintext-data-accepted")) return true;
    // Before there are keys an attacker reads everything; and an end that was talked out of having keys has none.
    return this.records.readEpoch === 0 && (this.tolerance.isAttacker || this.open);
  }

  /** A weak twin that cannot bear many alerts. */
  protected countAlert(): void {
    this.#alerts += 1;
    if (this.#alerts > mostAlerts) this.port.exhaust();
  }

  /**
   * Gives each thing that comes to `take` until that answers true; flights are sent again meanwhile.
   *
   * @throws Refusal when the peer refuses, or nothing new comes for as long as the lab is patient
   */
  protected async until(take: (incoming: Incoming) => boolean): Promise<void> {
    const { answerMs, retransmitMs = defaultRetransmitMs } = this.#options;
    let delay = retransmitMs;
    let quietSince = performance.now();
    for (;;) {
      const resend = {
        at: performance.now() + delay,
        again: () => {
          if (this.tolerance.lacks("no-retransmission")) return Number.POSITIVE_INFINITY;
          this.outgoing.again(0);
          if (!this.tolerance.lacks("retransmits-without-backoff")) {
            delay = Math.min(2 * delay, longestRetransmitMs);
          }
          return performance.now() + delay;
        },
      };
      const incoming = await this.incoming.next(quietSince + answerMs, resend);
      if (incoming === undefined) {
        const how = this.port.closed ?? `silent for ${answerMs} ms`;
        throw Refusal.byPeer(how, undefined, this.port.closed !== undefined);
      }
      if (incoming.kind === "repeat") {
        if (!this.tolerance.lacks("no-retransmission")) this.outgoing.again(20);
        continue;
      }
      if (incoming.kind === "invalid") continue;
      if (incoming.kind === "alert") {
        if (!incoming.fatal && this.tolerance.lacks("alerts-unbounded")) this.countAlert();
        if (!incoming.fatal && incoming.alert !== "close_notify") continue;
        throw Refusal.byPeer(`alert ${incoming.alert}`, incoming.alert, true);
      }
      // ChangeCipherSpec has no number: it may be the old one again, and a peer that only repeats itself is silent.
      if (incoming.kind !== "changeCipherSpec") {
        quietSince = performance.now();
        delay = retransmitMs;
      }
      if (take(incoming)) return;
    }
  }

  /** Waits for the peer's messages until all that is wanted came, or data that shows that it went on without. */
  protected async hearUntil(isDone: () => boolean): Promise<void> {
    await this.until((incoming) => {
      if (incoming.kind === "message") this.#hearGuarded(incoming.message, incoming.recordSequence);
      else this.#otherwise(incoming);
      const wentOn = incoming.kind === "data" && incoming.epoch > 0;
      return isDone() || (wentOn && !this.tolerance.holds("application-data-before-finished"));
    });
  }

  #hearGuarded(message: Message, recordSequence: number): void {
    try {
      this.hear(message, recordSequence);
    } catch (thrown) {
      if (!(thrown instanceof DtlsError)) throw thrown;
      // What cannot be read at all ends an attacker's handshake, too.
      throw Refusal.byThisEnd(thrown.alert ?? "internal_error", thrown.message);
    }
  }

  #otherwise(incoming: Incoming): void {
    const begun = this.suite !== undefined && incoming.kind === "changeCipherSpec";
    if (begun && this.order.take("ChangeCipherSpec") === "taken") {
      this.ensureKeys();
      this.records.readEpoch += 1;
    }
    if (incoming.kind === "data" && this.accepts(incoming)) this.#keep(incoming.data);
  }

  #keep(data: Uint8Array): void {
    if (this.#early.length < mostEarly) this.#early.push(data);
  }

  /** @throws Refusal for a message that has no place here */
  protected inOrder({ msgType }: Message): void {
    const name = messageName(msgType);
    if (this.order.take(name) === "taken") return;
    throw Refusal.byThisEnd("unexpected_message", `${name} has no place here`);
  }

  /** @throws Refusal for a Finished that is not one */
  protected checkFinished(sender: "client" | "server", verifyData: Uint8Array, epoch: number): void {
    if (epoch === 0 && this.tolerance.holds("early-finished")) {
      throw Refusal.byThisEnd("unexpected_message", "Finished in the clear");
    }
    const isRight = Buffer.compare(this.verifyDataOf(sender), verifyData) === 0;
    if (!isRight && this.tolerance.holds("finished-not-verified")) {
      throw Refusal.byThisEnd("decrypt_error", "Finished does not verify");
    }
  }

  /** Keeps the peer's chain, and asks whoever is to judge it. @throws Refusal where it is refused */
  protected showChain(chain: readonly Uint8Array[]): void {
    const { recorder, peer, verifyPeer } = this.#options;
    this.peerChain = chain.map((der) => Uint8Array.from(der));
    for (const [index, der] of this.peerChain.entries()) {
      recorder.certificate(`${peer}-${this.connection}-${index}.cer`, der);
    }
    const alert = this.peerChain.length === 0 ? undefined : verifyPeer?.(this.peerChain);
    if (alert !== undefined) throw Refusal.byThisEnd(alert, `refused the certificate: ${alert}`);
  }
}
