import { type Finding, inconclusive } from "../attack.ts";
import type { PairLab } from "../lab/pair-lab.ts";
import type { PairSession } from "../targets.ts";
import { type End, otherEnd } from "./ends.ts";

/**
 * What the two ends of a session say to each other at the lab's word, and what of it arrives. Where the lab cannot
 * command the ends it only knows what passes: `commanded` is false, and what arrived is unknown.
 */
export class Conversation {
  readonly session: PairSession;
  readonly #lab: PairLab;
  readonly #said: Record<End, string[]> = { device: [], gateway: [] };
  /** What had arrived at an end before it was looked at. */
  readonly #before: Record<End, number>;

  private constructor(lab: PairLab, session: PairSession) {
    this.#lab = lab;
    this.session = session;
    this.#before = {
      device: session.deviceGot?.length ?? 0,
      gateway: session.gatewayGot?.length ?? 0,
    };
  }

  /** Once the session is open, and a text of each end that can be told to speak has arrived. */
  static async open(lab: PairLab, session: PairSession): Promise<Conversation> {
    if (!(await session.opened)) throw new Error("no session came about that could be attacked");
    const conversation = new Conversation(lab, session);
    for (const from of ["device", "gateway"] as const) {
      if (!conversation.canSay(from)) continue;
      if (!(await conversation.reaches(from))) throw new Error(`a text of the ${from} did not arrive`);
    }
    return conversation;
  }

  /** Whether the lab can make this end speak and see what arrives. */
  canSay(from: End): boolean {
    const { session } = this;
    return from === "device"
      ? session.deviceSays !== undefined && session.gatewayGot !== undefined
      : session.gatewaySays !== undefined && session.deviceGot !== undefined;
  }

  /** A text that nobody has said before, unless one is given. */
  say(from: End, text = this.freshText()): string {
    this.#said[from].push(text);
    if (from === "device") this.session.deviceSays?.(text);
    else this.session.gatewaySays?.(text);
    return text;
  }

  freshText(letters = 8): string {
    const alphabet = "abcdefghijklmnopqrstuvwxyz";
    const drawn = Array.from({ length: letters }, () => alphabet[this.#lab.prng.below(alphabet.length)]);
    return `lab ${drawn.join("")}`;
  }

  /** What arrived at an end since the conversation began. */
  heard(at: End): readonly string[] {
    const got = at === "device" ? this.session.deviceGot : this.session.gatewayGot;
    return got?.slice(this.#before[at]) ?? [];
  }

  /** How often a text arrived. */
  times(text: string, at: End): number {
    return this.heard(at).filter((each) => each === text).length;
  }

  /** What arrived at an end though the other never said it, or arrived more than once. */
  amiss(at: End): string | undefined {
    const heard = this.heard(at);
    const said = this.#said[otherEnd(at)];
    // Where the gateway sends back what it gets, the two ends hear the same.
    const all = this.session.gatewayGot === this.session.deviceGot ? Object.values(this.#said).flat() : said;
    const foreign = heard.find((text) => !all.includes(text));
    if (foreign !== undefined) return `the ${at} took ${printable(foreign)}, which nobody had said`;
    const twice = heard.find((text, index) => heard.indexOf(text) !== index);
    return twice && `the ${at} took ${printable(twice)} twice`;
  }

  /** Whether a fresh text of this end arrives. */
  async reaches(from: End): Promise<boolean> {
    const text = this.say(from);
    return this.until(() => this.times(text, otherEnd(from)) > 0 || !this.session.isOpen).then(
      () => this.times(text, otherEnd(from)) > 0,
    );
  }

  /** Whether the session still carries texts both ways, as far as the lab can make the ends speak. */
  async goesOn(): Promise<boolean> {
    for (const from of ["device", "gateway"] as const) {
      if (this.canSay(from) && !(await this.reaches(from))) return false;
    }
    return this.session.isOpen;
  }

  /** What the ends took has no event: it is looked at every few milliseconds. */
  async until(holds: () => boolean, timeoutMs: number = this.#lab.patience.answerMs): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (!holds()) {
      if (performance.now() >= deadline || this.#lab.signal.aborted) return false;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    return true;
  }
}

const pollMs = 5;

/** The verdict where only the application could tell, and the lab has no word with it. */
export function notTold(end: End, what: string): Finding {
  return inconclusive(
    `whether the ${end} ${what} does not show on the path, and the lab cannot ask it: only its own log can tell`,
  );
}

function printable(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
