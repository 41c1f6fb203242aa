import { broken, type Finding, held } from "../../attack.ts";
import type { Lab } from "../../lab/lab.ts";
import type { TlsClient } from "../../tls/client.ts";
import { keyUpdate, withHeader } from "../../tls/messages.ts";
import { ContentType } from "../../tls/numbers.ts";
import type { TlsServer } from "../../tls/server.ts";

const floodOf = 4_000;
/** Some count each message, some look at their connections every now and then. */
const noticeMs = 2_000;

/**
 * RFC 8446 §4.6.3: a KeyUpdate with update_requested is answered by one. Asks so many times without reading what comes
 * back, then reads. Who bounds that ends the session, or answers many with one.
 */
export async function floodOfKeyUpdates(lab: Lab, end: TlsClient | TlsServer): Promise<Finding> {
  const traffic = end.tls13?.traffic;
  if (traffic === undefined) throw new Error("KeyUpdate is of TLS 1.3 alone");
  const { socket } = end.records;
  const update = keyUpdate(true);
  socket.pause();
  end.sendHandshake(update, { transcribed: false, attack: true, note: `one of ${floodOf}` });
  traffic.advance();
  for (let sent = 1; sent < floodOf; sent += 1) {
    end.records.send(ContentType.handshake, withHeader(update));
    traffic.advance();
  }
  await unread(lab);
  socket.resume();
  const deadline = performance.now() + noticeMs;
  for (;;) {
    const next = await end.receive(Math.max(1, deadline - performance.now()));
    if (next.kind === "silence") break;
    const taken = `after ${traffic.updatesReceived} answers`;
    if (next.kind === "closed") return held(`${next.how}, ${taken}`, { next: "closed" });
    if (next.kind === "alert" && next.fatal) {
      return held(`alert ${next.alert}, ${taken}`, { alert: next.alert, next: "closed" });
    }
  }
  const answers = traffic.updatesReceived;
  return answers * 2 > floodOf
    ? broken(`${floodOf} KeyUpdates in a row are taken, and answered by ${answers}`)
    : held(`${floodOf} KeyUpdates are answered by ${answers}`, { next: "went on" });
}

async function unread(lab: Lab): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lab.patience.silenceMs);
    lab.signal.addEventListener("abort", () => resolve(), { once: true });
    lab.defer(() => clearTimeout(timer));
  });
}
