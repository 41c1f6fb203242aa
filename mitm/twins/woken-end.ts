import type { HandshakeResult, Received, ScriptedEnd } from "../endpoint.ts";

/** An end that somebody has listened to already: what was heard comes again. */
export class WokenEnd implements ScriptedEnd {
  readonly #end: ScriptedEnd;
  #heard: Received | undefined;

  private constructor(end: ScriptedEnd, heard: Received) {
    this.#end = end;
    this.#heard = heard;
  }

  /** Once the peer has said its first word, or let the time pass. */
  static async of(end: ScriptedEnd, timeoutMs: number): Promise<WokenEnd> {
    return new WokenEnd(end, await end.receive(timeoutMs));
  }

  get connection(): number {
    return this.#end.connection;
  }

  handshake(): Promise<HandshakeResult> {
    return this.#end.handshake();
  }

  send(...said: Parameters<ScriptedEnd["send"]>): void {
    this.#end.send(...said);
  }

  async receive(timeoutMs: number): Promise<Received> {
    const heard = this.#heard;
    this.#heard = undefined;
    return heard ?? this.#end.receive(timeoutMs);
  }

  close(): void {
    this.#end.close();
  }

  destroy(): void {
    this.#end.destroy();
  }
}
