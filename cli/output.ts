import { styleText } from "node:util";
import cliProgress from "cli-progress";
import Table from "cli-table3";
import type { Failure } from "./errors.ts";
import type { Io } from "./io.ts";

type Style = Parameters<typeof styleText>[0];

/**
 * Where a verb's results go. For people: lines and tables. Under `--json`: one document, or one line per
 * event, on stdout and nothing else there. Notes and progress go to stderr and only to people.
 */
export class Output {
  readonly json: boolean;
  readonly #io: Io;

  constructor(io: Io, json: boolean) {
    this.#io = io;
    this.json = json;
  }

  /** A line of the answer, for people. */
  say(line = ""): void {
    if (!this.json) this.#io.stdout.write(`${line}\n`);
  }

  /** A remark beside the answer, for people. */
  note(line: string): void {
    if (!this.json) this.#io.stderr.write(`${line}\n`);
  }

  /** The verb's answer, as one JSON document or as `render` says it to people. */
  result(document: unknown, render: () => void): void {
    if (this.json) this.#io.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    else render();
  }

  /** One event of a stream: a JSON line, or `line` for people. */
  event(value: unknown, line: string): void {
    this.#io.stdout.write(`${this.json ? JSON.stringify(value) : line}\n`);
  }

  table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): void {
    if (rows.length === 0) return;
    const table = new Table({
      head: head.map((title) => this.style("bold", title)),
      style: plain,
      chars: bare,
    });
    for (const row of rows) table.push([...row]);
    this.say(table.toString());
  }

  /** Colours `text` where the output is a terminal and NO_COLOR is not set. */
  style(format: Style, text: string): string {
    return styleText(format, text, { stream: this.#io.stdout });
  }

  failure(failure: Failure): void {
    if (this.json) this.#io.stderr.write(`${JSON.stringify({ error: failure })}\n`);
    else this.#io.stderr.write(`sallyport: ${failure.message} (${failure.code})\n`);
  }

  /** A bar on a terminal's stderr, nothing elsewhere. */
  progress(total: number, label: string): Progress {
    const { stderr } = this.#io;
    if (this.json || stderr.isTTY !== true || total < 20) return { advance: () => {}, end: () => {} };
    const bar = new cliProgress.SingleBar({
      stream: stderr,
      format: `${label} {bar} {value}/{total}, {eta_formatted} left`,
      hideCursor: true,
      clearOnComplete: true,
    });
    bar.start(total, 0);
    return { advance: (count) => bar.increment(count), end: () => bar.stop() };
  }
}

export interface Progress {
  advance(count: number): void;
  end(): void;
}

const plain = { head: [], border: [], "padding-left": 0, "padding-right": 2 };
const bare = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};
