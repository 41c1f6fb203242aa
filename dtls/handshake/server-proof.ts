import { ecdhePskPremaster, pskPremaster } from "../crypto/premaster.ts";
import { DtlsError } from "../errors.ts";
import { CertificateVerify } from "../wire/certificate.ts";
import { Finished } from "../wire/finished.ts";
import {
  ClientKeyExchangeEcdhe,
  ClientKeyExchangeEcdhePsk,
  ClientKeyExchangePsk,
} from "../wire/key-exchange.ts";
import { decode, encode } from "../wire/presentation.ts";
import { HandshakeType } from "../wire/registry.ts";
import { NewSessionTicket } from "../wire/session-ticket.ts";
import { readCertificate } from "./certificate-types.ts";
import { deriveMasterSecret, epochKeys, finishedData } from "./key-schedule.ts";
import {
  AuthenticatedPeer,
  type ClaimedKey,
  type PeerProof,
  VerifiedFinished,
  VerifiedSignature,
} from "./peer.ts";
import type { ClientProof, ServerState } from "./server-state.ts";
import type { ServerContext } from "./server12.ts";
import type { ResumableSession } from "./session.ts";
import {
  type Action,
  after,
  expectAnswer,
  expectMessage,
  FlightBuilder,
  type Input,
  type Progress,
  progressOf,
  type Step,
  type Terms,
  unexpected,
} from "./step.ts";

type On<E extends ServerState["expect"]> = Extract<ServerState, { expect: E }>;
type ServerStep = Step<ServerState>;

// --- client's Certificate ---

export function onCertificate(
  state: On<"certificate">,
  input: Input,
  { settings }: ServerContext,
): ServerStep {
  const message = expectMessage(input, HandshakeType.certificate);
  const { terms, share } = state;
  const claim = readCertificate(terms.peerCertificateType, message.body);
  // RFC 5246 §7.4.6: without certificates the server MAY respond with a fatal handshake_failure.
  if (claim === undefined && settings.clientAuth === "required") {
    throw new DtlsError("DTLS_NO_CERTIFICATE", "the client showed no certificate");
  }
  return {
    state: { expect: "client_key_exchange", terms, share, claim, ...after(state, message) },
    actions: [],
  };
}

// --- client's ClientKeyExchange ---

export function onClientKeyExchange(
  state: On<"client_key_exchange">,
  input: Input,
  _context: ServerContext,
): ServerStep {
  const message = expectMessage(input, HandshakeType.client_key_exchange);
  const { terms, share, claim } = state;
  const progress = after(state, message);
  switch (terms.suite.keyExchange) {
    case "PSK": {
      const { pskIdentity } = decode("ClientKeyExchange", ClientKeyExchangePsk, message.body);
      return askForPsk(progress, terms, pskIdentity, undefined);
    }
    case "ECDHE_PSK": {
      const exchange = decode("ClientKeyExchange", ClientKeyExchangeEcdhePsk, message.body);
      return askForPsk(progress, terms, exchange.pskIdentity, shared(share, exchange.public));
    }
    case "ECDHE_ECDSA":
    case "ECDHE_RSA": {
      const exchange = decode("ClientKeyExchange", ClientKeyExchangeEcdhe, message.body);
      return onPremaster(progress, terms, shared(share, exchange.public), claim);
    }
  }
}

function askForPsk(
  progress: Progress,
  terms: Terms,
  pskIdentity: Uint8Array,
  sharedSecret: Uint8Array | undefined,
): ServerStep {
  const identity = Uint8Array.from(pskIdentity);
  return {
    state: { expect: "psk", terms, pskIdentity: identity, sharedSecret, ...progress },
    actions: [{ do: "ask", question: { kind: "psk", identity, hint: undefined } }],
  };
}

export function onPsk(state: On<"psk">, input: Input, { environment }: ServerContext): ServerStep {
  const { psk } = expectAnswer(input, "psk");
  const { terms, pskIdentity, sharedSecret } = state;
  // RFC 4279 §2: an unknown identity may be answered as a wrong key is, which tells nobody who is known. The
  // handshake goes on with a key that nobody has. An empty key is one that everybody has.
  const known = psk !== undefined && psk.key.length > 0;
  const key = known ? psk.key : environment.random(32);
  const premaster = sharedSecret === undefined ? pskPremaster(key) : ecdhePskPremaster(sharedSecret, key);
  const masterSecret = deriveMasterSecret(terms, premaster, state.transcript);
  const proof: ClientProof = known ? { by: "psk", pskIdentity } : { by: "unknown_psk" };
  return awaitChangeCipherSpec({ terms, proof, identity: undefined, masterSecret, ...progressOf(state) });
}

function onPremaster(
  progress: Progress,
  terms: Terms,
  premaster: Uint8Array,
  claim: ClaimedKey | undefined,
): ServerStep {
  const masterSecret = deriveMasterSecret(terms, premaster, progress.transcript);
  if (claim === undefined) {
    return awaitChangeCipherSpec({
      terms,
      proof: { by: "nothing" },
      identity: undefined,
      masterSecret,
      ...progress,
    });
  }
  // RFC 5246 §7.4.8: whoever showed a certificate that can sign has to sign.
  return {
    state: { expect: "certificate_verify", terms, masterSecret, claim, ...progress },
    actions: keyActions(terms, masterSecret),
  };
}

// --- client's CertificateVerify ---

export function onCertificateVerify(
  state: On<"certificate_verify">,
  input: Input,
  { settings }: ServerContext,
): ServerStep {
  const message = expectMessage(input, HandshakeType.certificate_verify);
  const { algorithm, signature } = decode("CertificateVerify", CertificateVerify, message.body);
  const { terms, masterSecret, claim, transcript } = state;
  const verified = VerifiedSignature.verify(
    claim,
    settings.signatureSchemes,
    algorithm,
    transcript.bytes(),
    signature,
  );
  return {
    state: {
      expect: "change_cipher_spec",
      terms,
      masterSecret,
      proof: { by: "signature", signature: verified },
      identity: undefined,
      ...after(state, message),
    },
    actions: [],
  };
}

// --- client's ChangeCipherSpec and Finished ---

export function onChangeCipherSpec(state: On<"change_cipher_spec" | "finished">, input: Input): ServerStep {
  if (input.type !== "change_cipher_spec") throw unexpected(input, "change_cipher_spec");
  return { state: { ...state, expect: "finished" }, actions: [{ do: "readNextEpoch" }] };
}

export function onFinished(
  state: On<"change_cipher_spec" | "finished">,
  input: Input,
  context: ServerContext,
): ServerStep {
  const message = expectMessage(input, HandshakeType.finished);
  const { verifyData } = decode("Finished", Finished, message.body);
  const { terms, masterSecret, proof, identity, transcript } = state;
  const finished = VerifiedFinished.verify(
    finishedData(terms, masterSecret, "client", transcript),
    verifyData,
  );
  const progress = after(state, message);
  switch (proof.by) {
    case "unknown_psk":
      throw new DtlsError("DTLS_UNKNOWN_PSK_IDENTITY", "no pre-shared key belongs to the client's identity");
    case "nothing":
      if (context.settings.clientAuth === "required") {
        throw new DtlsError("DTLS_NO_CERTIFICATE", "the client showed no certificate");
      }
      return issueSession(terms, masterSecret, undefined, undefined, progress, context);
    case "session":
      // Abbreviated: our Finished went first, and this was the last message.
      return {
        state: { expect: "application_data" },
        actions: [
          {
            do: "established",
            result: {
              terms,
              masterSecret,
              peer: AuthenticatedPeer.prove(proof, finished, identity),
              resumed: true,
            },
          },
        ],
      };
    case "signature":
    case "psk":
      return {
        state: { expect: "peer", terms, masterSecret, proof, finished, ...progress },
        actions: [
          {
            do: "ask",
            question: {
              kind: "peer",
              claim: { ...claimOf(proof), address: context.address, resumed: false },
            },
          },
        ],
      };
  }
}

// --- the application's verdict on a peer that has proved everything ---

export function onPeer(state: On<"peer">, input: Input, context: ServerContext): ServerStep {
  const { identity } = expectAnswer(input, "peer");
  const { terms, masterSecret, proof, finished } = state;
  const peer = AuthenticatedPeer.prove(proof, finished, identity);
  return issueSession(terms, masterSecret, peer, proof, progressOf(state), context);
}

// --- the session to resume, and the server's last flight ---

function issueSession(
  terms: Terms,
  masterSecret: Uint8Array,
  peer: AuthenticatedPeer | undefined,
  proof: PeerProof | undefined,
  progress: Progress,
  context: ServerContext,
): ServerStep {
  const session = sessionOf(terms, masterSecret, proof, context);
  if (terms.ticket) {
    return {
      state: { expect: "ticket", terms, masterSecret, peer, ...progress },
      actions: [{ do: "ask", question: { kind: "store", session, asTicket: true } }],
    };
  }
  const last = lastFlight(terms, masterSecret, peer, undefined, progress, context);
  if (terms.sessionId.length === 0) return last;
  // Nothing waits for the answer.
  const store: Action = { do: "ask", question: { kind: "store", session, asTicket: false } };
  return { state: last.state, actions: [store, ...last.actions] };
}

export function onTicket(state: On<"ticket">, input: Input, context: ServerContext): ServerStep {
  const { ticket } = expectAnswer(input, "store");
  const { terms, masterSecret, peer } = state;
  return lastFlight(terms, masterSecret, peer, ticket ?? new Uint8Array(), progressOf(state), context);
}

function lastFlight(
  terms: Terms,
  masterSecret: Uint8Array,
  peer: AuthenticatedPeer | undefined,
  ticket: Uint8Array | undefined,
  progress: Progress,
  { settings }: ServerContext,
): ServerStep {
  const flight = new FlightBuilder(progress);
  if (ticket !== undefined) {
    // RFC 5077 §3.3: an empty ticket says that there is none after all.
    const ticketLifetimeHint = settings.sessionLifetimeSeconds;
    flight.add(HandshakeType.new_session_ticket, encode(NewSessionTicket, { ticketLifetimeHint, ticket }));
  }
  flight.changeCipherSpec();
  const verifyData = finishedData(terms, masterSecret, "server", flight.progress.transcript);
  flight.add(HandshakeType.finished, encode(Finished, { verifyData }));
  return {
    state: { expect: "application_data" },
    actions: [
      flight.sent(terms, false),
      { do: "established", result: { terms, masterSecret, peer, resumed: false } },
    ],
  };
}

function sessionOf(
  terms: Terms,
  masterSecret: Uint8Array,
  proof: PeerProof | undefined,
  { settings, environment }: ServerContext,
): ResumableSession {
  const claim = proof === undefined ? undefined : claimOf(proof);
  return {
    sessionId: terms.sessionId,
    ticket: undefined,
    cipherSuite: terms.suite.id,
    masterSecret,
    extendedMasterSecret: terms.extendedMasterSecret,
    serverName: terms.serverName,
    alpnProtocol: terms.alpnProtocol,
    peerCertificateType: claim?.certificateType,
    peerChain: (claim?.chain ?? []).map((der) => Uint8Array.from(der)),
    pskIdentity: claim?.pskIdentity,
    expiresAt: environment.wallClock() + settings.sessionLifetimeSeconds * 1000,
  };
}

// --- shared ---

function claimOf(proof: PeerProof) {
  if (proof.by === "signature") {
    const { certificateType, chain } = proof.signature.claim;
    return { certificateType, chain, pskIdentity: undefined, serverName: undefined };
  }
  if (proof.by === "psk") {
    const { pskIdentity } = proof;
    return { certificateType: "PSK" as const, chain: [], pskIdentity, serverName: undefined };
  }
  throw new Error("unreachable: a resumed peer was judged before");
}

function awaitChangeCipherSpec(rest: Omit<On<"change_cipher_spec" | "finished">, "expect">): ServerStep {
  return {
    state: { expect: "change_cipher_spec", ...rest },
    actions: keyActions(rest.terms, rest.masterSecret),
  };
}

function keyActions(terms: Terms, masterSecret: Uint8Array): Action[] {
  return [
    { do: "keylog", clientRandom: terms.clientRandom, masterSecret },
    { do: "keys", keys: epochKeys(terms, masterSecret, "server") },
  ];
}

function shared(share: { agree(peer: Uint8Array): Uint8Array } | undefined, peer: Uint8Array): Uint8Array {
  if (share === undefined) throw new Error("unreachable: an ECDHE suite has a key share");
  return share.agree(peer);
}
