import { hash } from "node:crypto";
import type { PrfHash } from "../../dtls/crypto/suites.ts";
import type { OfferedPsks } from "./extensions.ts";
import { finishedData, hashLength, KeySchedule } from "./key-schedule.ts";
import type { HandshakeMessage } from "./message-reader.ts";
import { withHeader } from "./messages.ts";
import type { ClientRequest } from "./server-choice.ts";
import type { ServerOptions } from "./server-options.ts";
import type { TicketContents } from "./tickets.ts";
import type { TlsEnd } from "./tls-end.ts";

/** Since 1970. */
export function seconds(now: (() => number) | undefined): number {
  return Math.floor((now ?? Date.now)() / 1000);
}

/** The contents of a ticket that this server takes; undefined for one that it passes over. */
export function acceptTicket(
  end: TlsEnd,
  options: ServerOptions,
  request: ClientRequest,
  ticket: Uint8Array | undefined,
  version: number,
): TicketContents | undefined {
  const { tickets } = options;
  if (tickets === undefined || ticket === undefined || ticket.length === 0) return undefined;
  const contents =
    tickets.key.open(ticket) ??
    (end.holds("ticket-not-authenticated") ? undefined : tickets.key.open(ticket, true));
  if (contents === undefined || contents.version !== version) return undefined;
  const age = seconds(tickets.now) - contents.issuedAt;
  if (age > contents.lifetime && end.holds("ticket-lifetime-not-checked")) return undefined;
  const domain = Buffer.from(contents.domain).toString();
  if (domain !== (tickets.domain ?? "") && end.holds("ticket-domain-not-checked")) return undefined;
  const serverName = Buffer.from(contents.serverName).toString("latin1");
  // RFC 6066 §3: a server "MUST NOT accept the request to resume the session if the server_name extension contains a
  // different name".
  const sameName = serverName === (request.serverName ?? "");
  if (!sameName && end.holds("ticket-server-name-not-checked")) return undefined;
  return contents;
}

/** The peer of the session, judged again. */
export function resumePeer(end: TlsEnd, options: ServerOptions, contents: TicketContents): void {
  const chain = contents.chain.map((der) => Uint8Array.from(der));
  // Who takes a ticket of another domain takes its word for the peer too.
  const own = Buffer.from(contents.domain).toString() === (options.tickets?.domain ?? "");
  if (chain.length === 0 && options.requestCertificate !== false) {
    const alert = end.version === "TLS 1.3" ? "certificate_required" : "handshake_failure";
    end.require("client-certificate-not-required", false, alert, "a session without a certificate");
  }
  if (chain.length > 0 && own && end.holds("resumption-not-rechecked")) end.judgePeer(chain);
  else end.peerChain = chain;
}

/** RFC 8446 §4.2.11.2: the binder of the one PSK that is looked at; `hello` is the last message of the transcript. */
export function checkBinder(
  end: TlsEnd,
  name: PrfHash,
  hello: HandshakeMessage,
  offered: OfferedPsks,
  secret: Uint8Array,
): void {
  // The list of binders, and its own length, are left out.
  const bindersLength = 2 + offered.binders.reduce((sum, binder) => sum + 1 + binder.length, 0);
  const before = end.transcript.bytes(end.transcript.length - 1);
  const whole = withHeader(hello);
  const digest = hash(
    name,
    Buffer.concat([before, whole.subarray(0, whole.length - bindersLength)]),
    "buffer",
  );
  const expected = finishedData(name, new KeySchedule(name, secret).binderKey(), digest);
  const [binder] = offered.binders;
  const fits = binder?.length === hashLength(name) && Buffer.compare(binder, expected) === 0;
  end.require("psk-binder-not-verified", fits, "decrypt_error", "the binder of the PSK does not verify");
}
