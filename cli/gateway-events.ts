import type { GatewayEvent, SessionInfo } from "../gateway/index.ts";
import type { Output } from "./output.ts";
import { printable } from "./printable.ts";

/** Prints a gateway's event: a line for people, or a JSON line with its time. */
export function printEvent(out: Output, event: GatewayEvent, at: Date): void {
  const time = out.style("dim", at.toISOString().slice(11, 19));
  out.event(eventDocument(event, at), `${time}  ${describeEvent(out, event)}`);
}

/** The event with its time, and causes as text, for JSON. */
function eventDocument(event: GatewayEvent, at: Date): object {
  const cause =
    event.type === "warning" && event.cause instanceof Error ? { cause: event.cause.message } : {};
  return { time: at.toISOString(), ...event, ...cause };
}

function describeEvent(out: Output, event: GatewayEvent): string {
  const title = (style: "green" | "yellow" | "red" | "cyan", text: string) =>
    out.style(style, text.padEnd(8));
  switch (event.type) {
    case "listening":
      return `${title("green", "listen")}  ${listenWords[event.transport]} on ${hostOf(event.host)}:${event.port}`;
    case "connection.refused":
      return `${title("red", "refused")}  ${event.reason}: ${printable(event.detail)}, ${event.address}${overDtls(event)}${claimed(event)}`;
    case "session.opened":
      return `${title("green", "session")}  ${who(event.session)} connected from ${event.session.address}`;
    case "session.taken_over":
      return `${title("yellow", "session")}  ${who(event.session)} taken over from ${event.byAddress}`;
    case "session.closed":
      return `${title("cyan", "session")}  ${who(event.session)} ended, ${event.reason}${event.detail === "" ? "" : `: ${printable(event.detail)}`}`;
    case "session.moved":
      return `${title("cyan", "session")}  ${who(event.session)} moved from ${event.fromAddress} to ${event.session.address}`;
    case "publish.refused":
      return `${title("red", "refused")}  ${event.reason}: ${printable(event.clientId)} publishing to ${printable(event.topic)}${event.will ? " (will)" : ""}`;
    case "subscribe.refused":
      return `${title("red", "refused")}  ${event.reason}: ${printable(event.clientId)} subscribing to ${printable(event.filter)}`;
    case "message":
      return `${title("cyan", "message")}  ${printable(event.topic)}, ${event.bytes} bytes, QoS ${event.qos}${event.retain ? ", retained" : ""}, from ${printable(event.clientId)}`;
    case "device.purged":
      return `${title("yellow", "purged")}  what was kept for ${printable(event.deviceId)}, ${event.reason}`;
    case "reloaded":
      return `${title("green", "reload")}  ${event.sessionsKept} sessions kept, ${event.sessionsClosed} closed`;
    case "warning":
      return `${title("yellow", "warning")}  ${printable(event.detail)}${because(event.cause)}`;
    case "closed":
      return `${title("green", "stopped")}  every session ended`;
  }
}

const listenWords = { mqtt: "mqtt over mutual TLS", dtls: "mutual DTLS (UDP)" } as const;

/** RFC 3986 §3.2.2: an IPv6 address before a port is in brackets. */
function hostOf(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function because(cause: unknown): string {
  return cause instanceof Error ? ` (${printable(cause.message)})` : "";
}

function claimed(event: { deviceId?: string; clientId?: string }): string {
  const device = event.deviceId === undefined ? "" : `, ${printable(event.deviceId)}`;
  return event.clientId === undefined ? device : `${device} as client ${printable(event.clientId)}`;
}

function who(session: SessionInfo): string {
  const name = session.transport === "mqtt" ? session.clientId : session.deviceId;
  return `${session.kind} ${printable(name)}${overDtls(session)}`;
}

function overDtls({ transport }: { readonly transport: "mqtt" | "dtls" }): string {
  return transport === "dtls" ? " over DTLS" : "";
}
