import { randomBytes } from "node:crypto";
import { type DeviceSession, loadIdentity, openSession } from "../../device-client/index.ts";
import { readBoundedFile } from "../../pki/index.ts";
import { CliError } from "../errors.ts";
import { type GatewayVerbOptions, gatewayOf, untilConnected, untilStopped } from "../gateway-session.ts";
import { findIdentity } from "../identity-place.ts";
import { payloadFields, printable, printablePayload } from "../printable.ts";
import { collect, dirOption, type Session, type VerbGroup, wholeNumber } from "../verb.ts";
import { dtlsGateway, type EchoOptions, echoOverDtls, echoTimedOut } from "./connect-dtls.ts";

interface ConnectVerbOptions extends GatewayVerbOptions {
  readonly transport: "mqtt" | "dtls";
  readonly echo?: string;
  readonly clientId?: string;
  readonly keepSession?: boolean;
  readonly publish?: string;
  readonly message?: string;
  readonly messageFile?: string;
  readonly qos: "0" | "1" | "2";
  readonly retain?: boolean;
  readonly subscribe?: readonly string[];
  readonly count?: number;
}

interface MqttVerbOptions extends ConnectVerbOptions {
  readonly gateway: string;
}

const mqttGateway = "localhost:8883";

export function addConnect(program: VerbGroup): void {
  program.verb<ConnectVerbOptions>(
    {
      usage: "connect <id>",
      summary: "connect as a device or operator, to publish and subscribe, or over DTLS",
      description:
        "Connects to a gateway with the certificate and key of <id>, over mutual TLS. It subscribes first, publishes " +
        "then, and prints what arrives. Without --count it stays until Ctrl-C when it subscribes, and ends when the " +
        "gateway has acknowledged the message when it only publishes. With --transport dtls it sends the text of --echo in " +
        "a datagram, until it comes back.",
      examples: [
        [
          "connect thermometer-1 --publish devices/thermometer-1/up/temperature --message 21.5",
          "publish one message and wait until the gateway has it",
        ],
        [
          "connect thermometer-1 --subscribe 'devices/thermometer-1/down/#'",
          "print what is sent to the device",
        ],
        ["connect alice --subscribe 'devices/#' --count 10 --json", "ten messages as JSON lines"],
        ["connect thermometer-1 --transport dtls --echo hello", "over DTLS: there and back"],
        [
          "connect pump-7 --gateway gw.example:8883 --identity ./pump-7 --pin sha256/…",
          "another machine, key pinned",
        ],
      ],
    },
    (command) =>
      command
        .addOption(
          command
            .createOption("--transport <name>", "what to speak")
            .choices(["mqtt", "dtls"])
            .default("mqtt"),
        )
        .option("--echo <text>", "over DTLS: what the gateway is to send back")
        .option("--publish <topic>", "publish a message to this topic")
        .option("--message <text>", "the message; without it and --message-file an empty one")
        .option("--message-file <file>", "the message, read from a file")
        .addOption(
          command.createOption("--qos <n>", "MQTT quality of service").choices(["0", "1", "2"]).default("1"),
        )
        .option("--retain", "have the gateway keep the message for later subscribers")
        .option("--subscribe <filter>", "subscribe to a topic filter (may be repeated)", collect)
        .option("--count <n>", "end after this many messages", wholeNumber(1, 1e9))
        .option(
          "--timeout <seconds>",
          "give up when connecting, --count or --echo takes longer",
          wholeNumber(1, 1e6),
          30,
        )
        .option("--gateway <host:port>", `the gateway (default: ${mqttGateway}, over DTLS ${dtlsGateway})`)
        .option("--server-name <name>", "the name in the gateway's certificate, when it is not the host")
        .option(
          "--pin <pin>",
          "accept only this gateway key, sha256/<base64 SPKI hash> (may be repeated)",
          collect,
        )
        .option("--client-id <id>", "the MQTT client id: <id> or <id>/… (default: <id>/cli-<random>)")
        .option("--keep-session", "have the gateway keep the session of --client-id for next time")
        .option(
          "--identity <dir>",
          "where <id>.key.pem, <id>.cert.pem and ca.pem are (default: <dir>/devices)",
        )
        .addOption(dirOption()),
    connectVerb,
  );
}

async function connectVerb(
  session: Session,
  options: ConnectVerbOptions,
  [id = ""]: string[],
): Promise<void> {
  const stop = new AbortController();
  const deadline = setTimeout(() => stop.abort(timedOut(options)), options.timeout * 1000);
  const offs = (["SIGINT", "SIGTERM"] as const).map((signal) =>
    session.io.onSignal(signal, () => stop.abort(interrupted)),
  );
  try {
    if (options.transport === "dtls") await echoOverDtls(session, dtlsOptions(options), id, stop.signal);
    else await converse(session, mqttOptions(options), id, stop, () => clearTimeout(deadline));
  } catch (error) {
    if (error === interrupted) return;
    // How the client library says that a topic, pin or address is malformed.
    if (error instanceof TypeError || error instanceof RangeError)
      throw new CliError("CLI_USAGE", error.message);
    throw error;
  } finally {
    clearTimeout(deadline);
    for (const off of offs) off();
  }
}

/** @throws CliError CLI_USAGE for options of the other transport, which would be passed over in silence */
function dtlsOptions(options: ConnectVerbOptions): EchoOptions {
  const { echo, publish, message, messageFile, retain, subscribe, count, clientId, keepSession } = options;
  const stray = Object.entries({
    publish,
    message,
    messageFile,
    retain,
    subscribe,
    count,
    clientId,
    keepSession,
  })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  if (stray.length > 0)
    throw new CliError("CLI_USAGE", `${stray.join(", ")}: of MQTT, and not of --transport dtls`);
  if (echo === undefined || echo === "") {
    throw new CliError("CLI_USAGE", "--transport dtls wants something to send: --echo TEXT");
  }
  return { ...options, echo, gateway: options.gateway ?? dtlsGateway };
}

function mqttOptions(options: ConnectVerbOptions): MqttVerbOptions {
  if (options.echo !== undefined) throw new CliError("CLI_USAGE", "--echo goes with --transport dtls");
  return { ...options, gateway: options.gateway ?? mqttGateway };
}

/** Subscribes, publishes and receives, until done or `stop` is aborted, whose reason is thrown. */
async function converse(
  session: Session,
  options: MqttVerbOptions,
  id: string,
  stop: AbortController,
  stay: () => void,
): Promise<void> {
  const { out } = session;
  const payload = messageOf(options);
  const { device, clientId } = await open(id, options, stop.signal);
  try {
    device.on("disconnected", ({ reason }) => stop.abort(cutOff(reason)));
    out.event(
      { type: "connected", gateway: options.gateway, clientId },
      `connected to ${options.gateway} as ${clientId}`,
    );
    const received = receive(session, device, options, stop.signal);
    for (const filter of options.subscribe ?? []) {
      await untilStopped(device.subscribe(filter, { qos: 1 }), stop.signal);
      out.event({ type: "subscribed", filter }, `subscribed to ${filter}`);
    }
    if (options.publish !== undefined) {
      const published = { topic: options.publish, qos: qosOf(options.qos), retain: options.retain === true };
      await untilStopped(device.publish(options.publish, payload, published), stop.signal);
      const how = published.qos === 0 ? "sent" : "acknowledged";
      out.event(
        { type: "published", ...published, bytes: payload.length },
        `published ${payload.length} bytes to ${options.publish}, ${how}`,
      );
    }
    if (options.subscribe === undefined) return;
    if (options.count === undefined) stay();
    await received;
  } finally {
    await device.close();
  }
}

async function open(id: string, options: MqttVerbOptions, signal: AbortSignal) {
  const files = findIdentity(id, options);
  const identity = loadIdentity(files);
  // A client id of its own: the device itself may be connected, and must not be taken over nor lose its session.
  const clientId = options.clientId ?? `${id}/cli-${randomBytes(4).toString("hex")}`;
  const device = openSession({
    identity,
    gateway: gatewayOf(options),
    clientId,
    cleanSession: options.keepSession !== true,
    connectTimeoutMs: options.timeout * 1000,
    ...(options.pin && { pins: options.pin }),
  });
  try {
    await untilConnected(device, signal);
    return { device, clientId };
  } catch (error) {
    await device.close();
    throw error;
  }
}

/** Prints what arrives; resolves after `--count` messages. */
function receive({ out }: Session, device: DeviceSession, options: ConnectVerbOptions, signal: AbortSignal) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let left = options.count ?? Number.POSITIVE_INFINITY;
  device.on("message", ({ topic, payload, qos, retain }) => {
    if (left <= 0) return;
    out.event(
      { type: "message", topic, ...payloadFields(payload), qos, retain },
      `${printable(topic)}  ${printablePayload(payload)}`,
    );
    left -= 1;
    if (left === 0) resolve();
  });
  signal.addEventListener("abort", () => reject(signal.reason));
  // Nobody waits for it when publishing fails first.
  promise.catch(() => undefined);
  return promise;
}

function messageOf(options: ConnectVerbOptions): Uint8Array {
  if (options.message !== undefined && options.messageFile !== undefined) {
    throw new CliError("CLI_USAGE", "--message and --message-file are two ways to say the same: give one");
  }
  if (options.publish !== undefined && /[+#]|^$/.test(options.publish)) {
    throw new CliError("CLI_USAGE", "a topic to publish to has no wildcard (+ or #) and is not empty");
  }
  if (options.publish === undefined && (options.message ?? options.messageFile) !== undefined) {
    throw new CliError("CLI_USAGE", "a message needs a topic: add --publish TOPIC");
  }
  return options.messageFile === undefined
    ? Buffer.from(options.message ?? "")
    : readBoundedFile(options.messageFile);
}

function qosOf(text: ConnectVerbOptions["qos"]): 0 | 1 | 2 {
  return text === "0" ? 0 : text === "1" ? 1 : 2;
}

const interrupted = new Error("interrupted");

function timedOut(options: ConnectVerbOptions): CliError {
  if (options.transport === "dtls") return echoTimedOut(options.timeout);
  const messages = options.count === 1 ? "the message" : `the ${options.count} messages`;
  const what = options.count === undefined ? "the gateway took" : `the gateway or ${messages} took`;
  return new CliError(
    "CLI_TIMEOUT",
    `${what} longer than ${options.timeout} seconds: --timeout waits longer`,
  );
}

function cutOff(reason: Error | undefined): CliError {
  return new CliError(
    "CLI_REFUSED",
    "the gateway ended the session: the topic may not be this device's, the certificate was revoked, or the gateway cannot store messages; the gateway's events name the reason",
    { cause: reason },
  );
}
