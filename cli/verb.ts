import { type Command, InvalidArgumentError, Option } from "commander";
import { isServerName } from "../pki/index.ts";
import type { ExitCode } from "./errors.ts";
import type { Io } from "./io.ts";
import { Output } from "./output.ts";

/** What a verb is given when it runs. */
export interface Session {
  readonly io: Io;
  readonly out: Output;
}

/** Collects the exit code of the verb that ran, for `run()`. */
export interface Outcome {
  exitCode: ExitCode;
}

export interface VerbText {
  /** Name and arguments, in commander's notation: `show <id>`. */
  readonly usage: string;
  readonly summary: string;
  /** The paragraph that `--help` opens with. */
  readonly description: string;
  /** Pairs of a command and what it is good for. */
  readonly examples: ReadonlyArray<readonly [command: string, meaning: string]>;
}

/** One place that a verb is attached to: the program, or a group such as `device`. */
export class VerbGroup {
  readonly command: Command;
  readonly #io: Io;
  readonly #outcome: Outcome;

  constructor(command: Command, io: Io, outcome: Outcome) {
    this.command = command;
    this.#io = io;
    this.#outcome = outcome;
  }

  group(name: string, summary: string): VerbGroup {
    return new VerbGroup(
      this.command.command(name).summary(summary).description(summary),
      this.#io,
      this.#outcome,
    );
  }

  /**
   * Adds a verb. `declare` adds its options; `act` does its work and returns an exit code, or nothing for 0.
   * Every verb has `--json`, and `--dir` where it has state.
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- commander's options are whatever was declared
  verb<Options extends object>(
    text: VerbText,
    declare: (command: Command) => void,
    act: (session: Session, options: Options, args: string[]) => Promise<ExitCode | void>,
  ): void {
    const command = this.command.command(text.usage).summary(text.summary).description(text.description);
    declare(command);
    command.option("--json", "print JSON for programs instead of text for people");
    command.addHelpText("after", examplesText(text.examples));
    command.action(async () => {
      const options = command.opts<Options & { json?: boolean }>();
      const session = { io: this.#io, out: new Output(this.#io, options.json === true) };
      this.#outcome.exitCode = (await act(session, options, command.args)) ?? 0;
    });
  }
}

/** `--dir`, for the verbs that use the state directory. */
export function dirOption(): Option {
  return new Option("--dir <dir>", "the state directory: CA, inventory and settings").default("certs");
}

/** A parser of whole numbers for commander. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`a whole number from ${min} to ${max} is wanted`);
    }
    return value;
  };
}

/** Gathers an option that may be given several times. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** As `collect`, for what goes into the gateway's certificate. */
export function collectServerNames(value: string, previous: readonly string[] | undefined): string[] {
  if (!isServerName(value)) throw new InvalidArgumentError("a host name or an IP address is wanted");
  return collect(value, previous);
}

function examplesText(examples: VerbText["examples"]): string {
  const lines = examples.map(([command, meaning]) => `  # ${meaning}\n  $ sallyport ${command}`);
  return `\nExamples:\n${lines.join("\n\n")}\n`;
}
