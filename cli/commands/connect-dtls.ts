import { type DtlsSession, loadIdentity, openDtlsSession } from "../../device-client/index.ts";
import { CliError } from "../errors.ts";
import { type GatewayVerbOptions, gatewayOf, untilConnected, untilStopped } from "../gateway-session.ts";
import { findIdentity } from "../identity-place.ts";
import { payloadFields, printablePayload } from "../printable.ts";
import type { Session } from "../verb.ts";

export const dtlsGateway = "localhost:5684";

export interface EchoOptions extends GatewayVerbOptions {
  readonly gateway: string;
  readonly echo: string;
}

/** Datagrams get lost: the text is sent again after this long, and then after twice as long each time, up to a bound. */
const firstRepeatMs = 1_000;
const longestRepeatMs = 4_000;

/** Connects over DTLS and sends a text until it comes back. Throws the signal's reason when that comes first. */
export async function echoOverDtls(
  { io, out }: Session,
  options: EchoOptions,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const identity = loadIdentity(findIdentity(id, options));
  const device = openDtlsSession({
    identity,
    gateway: gatewayOf(options),
    connectTimeoutMs: options.timeout * 1000,
    // How long to wait for the echo is --timeout's to say.
    silenceMs: 0,
    ...(options.pin && { pins: options.pin }),
  });
  try {
    await untilConnected(device, signal);
    out.event(
      { type: "connected", transport: "dtls", gateway: options.gateway, deviceId: id },
      `connected to ${options.gateway} as ${id}, over DTLS`,
    );
    const sent = Buffer.from(options.echo);
    if (sent.length > device.maxMessageBytes) {
      const most = `a message over DTLS has at most ${device.maxMessageBytes} bytes`;
      throw new CliError("CLI_USAGE", `${most}, and --echo has ${sent.length}`);
    }
    const began = io.now().getTime();
    await untilStopped(echo(device, sent, signal), signal);
    const ms = io.now().getTime() - began;
    out.event(
      { type: "echo", ...payloadFields(sent), ms },
      `${printablePayload(sent)}  ${sent.length} bytes there and back in ${ms} ms`,
    );
  } finally {
    await device.close();
  }
}

/** Resolves when the gateway sent the same back; rejects when it ended the session. */
async function echo(device: DtlsSession, text: Uint8Array, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const send = (repeatMs: number) => {
    device.send(text);
    timer = setTimeout(send, repeatMs, Math.min(repeatMs * 2, longestRepeatMs));
  };
  try {
    await new Promise<void>((resolve, reject) => {
      device.on("message", (data) => {
        if (Buffer.compare(data, text) === 0) resolve();
      });
      device.on("disconnected", ({ reason }) => reject(cutOff(reason)));
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      send(firstRepeatMs);
    });
  } finally {
    clearTimeout(timer);
  }
}

function cutOff(reason: Error | undefined): CliError {
  return new CliError(
    "CLI_REFUSED",
    "the gateway ended the session: the certificate may have been revoked; the gateway's events name the reason",
    { cause: reason },
  );
}

export function echoTimedOut(seconds: number): CliError {
  return new CliError(
    "CLI_TIMEOUT",
    `nothing came back within ${seconds} seconds: is the gateway running there with DTLS, and does a firewall let UDP through?`,
  );
}
