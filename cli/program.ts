import { Command, CommanderError } from "commander";
import { addAudit } from "./commands/audit.ts";
import { addConnect } from "./commands/connect.ts";
import { addCrl } from "./commands/crl.ts";
import { addDemo } from "./commands/demo.ts";
import { addDevice } from "./commands/device.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addGateway } from "./commands/gateway.ts";
import { addInit } from "./commands/init.ts";
import { addIssuing } from "./commands/issuing.ts";
import { addMitm } from "./commands/mitm.ts";
import { addOperator } from "./commands/operator.ts";
import { addStart } from "./commands/start.ts";
import { CliError, describeFailure, ExitCode } from "./errors.ts";
import type { Io } from "./io.ts";
import { Output } from "./output.ts";
import { type Outcome, VerbGroup } from "./verb.ts";
import { version } from "./version.ts";

const guide = `
Two terminals, from nothing to a message:
  $ sallyport start
  $ sallyport device add thermometer-1
  $ sallyport connect thermometer-1 --publish devices/thermometer-1/up/temperature --message 21.5

Or watch the whole story in a temporary directory:
  $ sallyport demo

Every verb has --help with examples, and --json.
Exit codes: 0 done, 1 failed, 2 usage, 3 refused by a policy or the other side,
4 a file, key, database, port, disk or passphrase stands in the way, 5 timed out,
6 a case of the lab could not be judged.
`;

/**
 * Runs one command line (without the program's name) and returns its exit code. Throws nothing: what went
 * wrong is on stderr, as JSON where `--json` was asked for.
 */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  const json = args.includes("--json");
  const outcome: Outcome = { exitCode: ExitCode.ok };
  const program = describeProgram(io, outcome, json);
  try {
    await program.parseAsync(helpAsOption(args), { from: "user" });
    return outcome.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return usageExit(error, io, json);
    const failure = describeFailure(error);
    new Output(io, json).failure(failure);
    return failure.exitCode;
  }
}

/** `help device add` as `device add --help`: commander's own `help` stops at the first name. */
function helpAsOption(args: readonly string[]): string[] {
  const [first, ...rest] = args;
  return first === "help" && rest.length > 1 ? [...rest, "--help"] : [...args];
}

/** Says that the answer could not be written, which is all that is known to be wrong; the exit code. */
export function sayLostOutput(error: NodeJS.ErrnoException, args: readonly string[], io: Io): ExitCode {
  const failure = describeFailure(
    new CliError(
      "CLI_OUTPUT",
      `the answer cannot be written (${error.code ?? error.message}), and what was asked for may be done: look before ` +
        "you run it again",
      { cause: error },
    ),
  );
  new Output(io, args.includes("--json")).failure(failure);
  return failure.exitCode;
}

/** The whole command line as commander knows it; docs/reference/cli.md is compared with it. */
export function describeProgram(io: Io, outcome: Outcome, json: boolean): Command {
  const program = new Command("sallyport")
    .description("The gate for devices: their certificates, and MQTT over mutual TLS.")
    .version(version(), "-v, --version", "print the version")
    .addHelpText("after", guide)
    .showSuggestionAfterError()
    .showHelpAfterError("(see --help for the options and examples)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => (json ? undefined : io.stderr.write(text)),
      getOutHasColors: () => io.stdout.isTTY === true && io.env["NO_COLOR"] === undefined,
    });
  const root = new VerbGroup(program, io, outcome);
  addInit(root);
  addStart(root);
  addDevice(root);
  addOperator(root);
  addConnect(root);
  addGateway(root);
  addIssuing(root);
  addCrl(root);
  addAudit(root);
  addDoctor(root);
  addMitm(root);
  addDemo(root);
  return program;
}

function usageExit(error: CommanderError, io: Io, json: boolean): ExitCode {
  if (error.exitCode === 0) return ExitCode.ok;
  if (json) {
    const message = error.message.replace(/^error: /, "");
    new Output(io, json).failure({ code: "CLI_USAGE", message, exitCode: ExitCode.usage });
  }
  return ExitCode.usage;
}
