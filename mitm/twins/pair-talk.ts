import type { Transport } from "../attack.ts";
import type { ScriptedEnd } from "../endpoint.ts";

/** The first line of a gateway over TLS: that the session was opened, which the device cannot know before in TLS 1.3. */
export const welcome = "welcome";

/** Nobody says so much without a line break. */
const longestLine = 65_536;

export interface TalkOptions {
  readonly transport: Transport;
  readonly tolerates: ReadonlySet<string>;
  readonly heard: (text: string) => void;
}

/** How the twins of a pair talk: texts, each a line over TLS and a datagram over DTLS. */
export class Talk {
  readonly #end: ScriptedEnd;
  readonly #options: TalkOptions;

  constructor(end: ScriptedEnd, options: TalkOptions) {
    this.#end = end;
    this.#options = options;
  }

  say(text: string): void {
    this.#end.send(Buffer.from(this.#options.transport === "tls" ? `${text}\n` : text, "latin1"));
  }

  /** Listens until the session is over, and tells why it is. */
  async listen(): Promise<string> {
    let line = "";
    for (;;) {
      const next = await this.#end.receive(idleMs);
      if (next.kind === "data") {
        const text = Buffer.from(next.data).toString("latin1");
        line = this.#options.transport === "dtls" ? this.#whole(text) : this.#lines(line + text);
      } else if (next.kind !== "alert" || next.fatal) {
        // RFC 8446 §6.1: what is left of a line when the stream ends is no line.
        if (line !== "" && this.#options.tolerates.has("truncation-unnoticed")) this.#options.heard(line);
        return next.kind === "closed" ? next.how : next.kind === "alert" ? `alert ${next.alert}` : "idle";
      }
    }
  }

  #whole(text: string): string {
    this.#options.heard(text);
    return "";
  }

  #lines(text: string): string {
    const lines = text.split("\n");
    const rest = lines.pop() ?? "";
    for (const line of lines) this.#options.heard(line);
    return rest.slice(0, longestLine);
  }
}

/** A twin does not live for long. */
const idleMs = 60_000;
