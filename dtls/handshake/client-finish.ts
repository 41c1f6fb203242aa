import { Finished } from "../wire/finished.ts";
import { decode, encode } from "../wire/presentation.ts";
import { HandshakeType } from "../wire/registry.ts";
import { NewSessionTicket } from "../wire/session-ticket.ts";
import type { ClientState, ServerEnd } from "./client-state.ts";
import type { ClientContext } from "./client12.ts";
import { finishedData } from "./key-schedule.ts";
import { AuthenticatedPeer, VerifiedFinished } from "./peer.ts";
import type { ResumableSession } from "./session.ts";
import {
  type Action,
  after,
  expectMessage,
  FlightBuilder,
  type Input,
  type Step,
  type Terms,
  unexpected,
} from "./step.ts";

type On<E extends ClientState["expect"]> = Extract<ClientState, { expect: E }>;
type ClientStep = Step<ClientState>;
type Ending = On<"new_session_ticket" | "change_cipher_spec" | "finished">;

/** RFC 5246 §F.1.4: an upper limit of 24 hours for a session's lifetime. */
const longestSessionSeconds = 86_400;

/** ChangeCipherSpec and Finished of a full handshake; the server's follow. */
export function sendFinished(
  terms: Terms,
  masterSecret: Uint8Array,
  end: ServerEnd,
  flight: FlightBuilder,
): ClientStep {
  addFinished(terms, masterSecret, flight);
  return {
    state: {
      expect: terms.ticket ? "new_session_ticket" : "change_cipher_spec",
      terms,
      masterSecret,
      end,
      ...flight.progress,
    },
    actions: [flight.sent(terms, true)],
  };
}

function addFinished(terms: Terms, masterSecret: Uint8Array, flight: FlightBuilder): void {
  flight.changeCipherSpec();
  const verifyData = finishedData(terms, masterSecret, "client", flight.progress.transcript);
  flight.add(HandshakeType.finished, encode(Finished, { verifyData }));
}

// --- server's NewSessionTicket ---

export function onNewSessionTicket(state: Ending, input: Input): ClientStep {
  const message = expectMessage(input, HandshakeType.new_session_ticket);
  const { ticketLifetimeHint, ticket } = decode("NewSessionTicket", NewSessionTicket, message.body);
  // RFC 5077 §3.3: empty when the server changed its mind.
  const kept =
    ticket.length === 0 ? undefined : { bytes: Uint8Array.from(ticket), lifetimeSeconds: ticketLifetimeHint };
  return {
    state: {
      ...state,
      expect: "change_cipher_spec",
      end: { ...state.end, ticket: kept },
      ...after(state, message),
    },
    actions: [],
  };
}

// --- server's ChangeCipherSpec and Finished ---

export function onChangeCipherSpec(state: Ending, input: Input): ClientStep {
  if (input.type !== "change_cipher_spec") throw unexpected(input, "change_cipher_spec");
  return { state: { ...state, expect: "finished" }, actions: [{ do: "readNextEpoch" }] };
}

export function onFinished(state: Ending, input: Input, context: ClientContext): ClientStep {
  const message = expectMessage(input, HandshakeType.finished);
  const { verifyData } = decode("Finished", Finished, message.body);
  const { terms, masterSecret, end } = state;
  const finished = VerifiedFinished.verify(
    finishedData(terms, masterSecret, "server", state.transcript),
    verifyData,
  );
  const actions: Action[] = [];
  const resumed = end.proof.by === "session";
  if (resumed) {
    // RFC 5246 Figure 2: after the server's Finished comes the client's.
    const flight = new FlightBuilder(after(state, message));
    addFinished(terms, masterSecret, flight);
    actions.push(flight.sent(terms, false));
  }
  const peer = AuthenticatedPeer.prove(end.proof, finished, end.identity);
  const session = sessionOf(state, peer, context);
  if (session !== undefined) actions.push({ do: "session", session });
  actions.push({ do: "established", result: { terms, masterSecret, peer, resumed } });
  return { state: { expect: "application_data" }, actions };
}

/** What the client may resume later; undefined when the server keeps nothing. */
function sessionOf(
  { terms, masterSecret, end }: Ending,
  peer: AuthenticatedPeer | undefined,
  { environment }: ClientContext,
): ResumableSession | undefined {
  const { proof, ticket } = end;
  // A resumption does not prolong a session; a new ticket in it stands for the same one.
  const before = proof.by === "session" ? proof.session : undefined;
  if (before !== undefined && ticket === undefined) return before;
  if (ticket === undefined && terms.sessionId.length === 0) return undefined;
  // RFC 7627 §5.3: a session without extended_master_secret is not to be offered again.
  if (!terms.extendedMasterSecret) return undefined;
  const hint =
    ticket === undefined || ticket.lifetimeSeconds === 0 ? longestSessionSeconds : ticket.lifetimeSeconds;
  const lifetimeMs = Math.min(hint, longestSessionSeconds) * 1000;
  return {
    sessionId: ticket === undefined ? terms.sessionId : new Uint8Array(),
    ticket: ticket?.bytes,
    cipherSuite: terms.suite.id,
    masterSecret,
    extendedMasterSecret: terms.extendedMasterSecret,
    serverName: terms.serverName,
    alpnProtocol: terms.alpnProtocol,
    peerCertificateType: peer?.certificateType,
    peerChain: peer?.chain ?? [],
    pskIdentity: peer?.pskIdentity,
    expiresAt: before?.expiresAt ?? environment.wallClock() + lifetimeMs,
  };
}
