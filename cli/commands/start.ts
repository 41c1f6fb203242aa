import { type Gateway, type GatewayOptions, startGateway } from "../../gateway/index.ts";
import { Inventory } from "../../pki/index.ts";
import { CliError, describeFailure, ExitCode } from "../errors.ts";
import { EventLog } from "../event-log.ts";
import { FileIdentity, readGatewayFiles, watchedFiles } from "../gateway-files.ts";
import { makePki, type PkiOptions, pkiOptions, sayMadePki } from "../make-pki.ts";
import { readSettings, type Settings } from "../settings.ts";
import { isInitialised, openStateDirectory, type StateFiles } from "../state-directory.ts";
import { dirOption, type Session, type VerbGroup, wholeNumber } from "../verb.ts";

interface StartOptions extends PkiOptions {
  readonly dir: string;
  readonly host?: string;
  readonly mqttPort?: number;
  /** false: `--no-dtls`. */
  readonly dtls: boolean;
  readonly dtlsPort?: number;
  readonly crl?: string;
  readonly quiet?: boolean;
}

const defaultHost = "127.0.0.1";
const defaultPort = 8883;
const defaultDtlsPort = 5684;
const watchIntervalMs = 500;

export function addStart(program: VerbGroup): void {
  program.verb<StartOptions>(
    {
      usage: "start",
      summary: "run the gateway; make a PKI first when there is none",
      description:
        "Runs the gateway until SIGTERM or Ctrl-C and prints its events, with --json as one JSON line each. When " +
        "the state directory has no PKI it is made first, as `sallyport init` does. It takes up a changed gateway " +
        "certificate, access.json and revocation list by itself and at SIGHUP, and drops no session for it.",
      examples: [
        ["start", "on this machine: MQTT on port 8883, DTLS on UDP port 5684"],
        ["start --host 0.0.0.0 --mqtt-port 18883", "for other machines too; see `init --gateway-name`"],
        ["start --no-dtls", "MQTT alone"],
        ["start --quiet --json >> gateway.jsonl", "events for programs, without one line per message"],
      ],
    },
    (command) => {
      command
        .addOption(dirOption())
        .option("--host <host>", `the address to listen on (default: ${defaultHost}, this machine alone)`)
        .option(
          "--mqtt-port <n>",
          `the port for MQTT over TLS, 0 for any (default: ${defaultPort})`,
          wholeNumber(0, 65535),
        )
        .option(
          "--dtls-port <n>",
          `the UDP port for DTLS, 0 for any (default: ${defaultDtlsPort}, unless another program has it)`,
          wholeNumber(0, 65535),
        )
        .option("--no-dtls", "no DTLS")
        .option(
          "--crl <file>",
          "a revocation list to consult beside the inventory; without a current one nobody enters",
        );
      command.option("--quiet", "leave out accepted messages; sessions, refusals and warnings stay");
      pkiOptions(command);
    },
    start,
  );
}

async function start(session: Session, options: StartOptions): Promise<ExitCode> {
  const { io, out } = session;
  if (!options.dtls && options.dtlsPort !== undefined) {
    throw new CliError("CLI_USAGE", "--dtls-port and --no-dtls contradict each other: give one");
  }
  if (!isInitialised(options.dir)) {
    const made = await makePki(session, options);
    if (out.json) out.event({ time: io.now().toISOString(), type: "pki.made", ...made }, "");
    else sayMadePki(session, made);
  }
  const files = openStateDirectory(options.dir);
  const settings = readSettings(files.settings);
  const crl = options.crl ?? settings.crl;
  const watch = watchedFiles(files, crl);
  const inventoryFile = new FileIdentity(files.inventory);
  using inventory = Inventory.open(files.directory, { readOnly: true });
  const trustDomain = inventory.setting("trustDomain");
  const host = options.host ?? settings.host ?? defaultHost;
  const log = new EventLog(session);
  const gateway = await startGateway({
    ...readGatewayFiles(files, crl),
    host,
    mqttPort: options.mqttPort ?? settings.mqttPort ?? defaultPort,
    ...dtlsOptions(options, settings),
    registry: inventory,
    ...(trustDomain === undefined ? {} : { trustDomain }),
    stateDirectory: files.directory,
    ...(settings.limits && { limits: settings.limits }),
  });
  gateway.on("event", (event) => {
    if (event.type !== "message" || options.quiet !== true) log.write(event);
  });
  sayWhatNext(session, options, gateway);
  const reload = () => reloadGateway(log, gateway, files, crl);
  const end = Promise.withResolvers<CliError | undefined>();
  const timer = setInterval(() => {
    if (watch.changed()) reload();
    // What is open is the file of before: it would never hear of another revocation.
    if (inventoryFile.changed()) end.resolve(inventoryReplaced(files.inventory));
  }, watchIntervalMs);
  const offReload = io.onSignal("SIGHUP", reload);
  onStopSignal(session, () => end.resolve(undefined));
  const failure = await end.promise;
  clearInterval(timer);
  offReload();
  await gateway.close();
  if (failure !== undefined) throw failure;
  return ExitCode.ok;
}

/** A port that somebody named must be had; the usual one is taken where it is free. */
function dtlsOptions(options: StartOptions, settings: Partial<Settings>): Partial<GatewayOptions> {
  const dtlsPort = options.dtlsPort ?? settings.dtlsPort ?? "if-free";
  if (!options.dtls || dtlsPort === false) return {};
  const { dangerouslyAllowMissingExtendedMasterSecret = false } = settings;
  return { dtlsPort, dangerouslyAllowMissingExtendedMasterSecret };
}

/** New files for a running gateway. Files that do not fit leave it as it is. */
function reloadGateway(log: EventLog, gateway: Gateway, files: StateFiles, crl: string | undefined): void {
  try {
    gateway.reload(readGatewayFiles(files, crl));
  } catch (error) {
    const { message, code } = describeFailure(error);
    const detail = `the changed files were not taken up, the old ones stay in use: ${message} (${code})`;
    log.write({ type: "warning", detail });
  }
}

function sayWhatNext({ out }: Session, options: StartOptions, gateway: Gateway): void {
  const dir = options.dir === "certs" ? "" : ` --dir ${options.dir}`;
  const to = gateway.mqttPort === defaultPort ? "" : ` --gateway localhost:${gateway.mqttPort}`;
  out.say(`The gateway starts on port ${gateway.mqttPort}; Ctrl-C stops it. In a second terminal:`);
  out.say(`  npx sallyport device add thermometer-1${dir}`);
  out.say(
    `  npx sallyport connect thermometer-1${dir}${to} --publish devices/thermometer-1/up/temperature --message 21.5`,
  );
  if (gateway.dtlsPort !== undefined) {
    const over = gateway.dtlsPort === defaultDtlsPort ? "" : ` --gateway localhost:${gateway.dtlsPort}`;
    out.say(`  npx sallyport connect thermometer-1${dir}${over} --transport dtls --echo hello`);
  }
  out.say();
}

function inventoryReplaced(path: string): CliError {
  return new CliError(
    "CLI_DATABASE",
    `${path} was moved, removed or replaced under the running gateway, which ended: put the right one there and start again`,
  );
}

function onStopSignal({ io }: Session, stop: () => void): void {
  const offs = (["SIGTERM", "SIGINT"] as const).map((signal) =>
    io.onSignal(signal, () => {
      for (const off of offs) off();
      stop();
    }),
  );
}
