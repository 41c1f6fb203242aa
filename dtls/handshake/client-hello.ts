import { isIP } from "node:net";
import type { ClientSettings } from "../association/settings.ts";
import { suiteById } from "../crypto/suites.ts";
import { DtlsError } from "../errors.ts";
import { type ClientExtensions, readServerExtensions, writeClientExtensions } from "../wire/extensions.ts";
import { ClientHello, HelloVerifyRequest, ServerHello } from "../wire/hello.ts";
import { decode, encode } from "../wire/presentation.ts";
import { CertificateType, HandshakeType, nameOf, ProtocolVersion } from "../wire/registry.ts";
import { certificateTypeName } from "./certificate-types.ts";
import type { ClientState, SentHello } from "./client-state.ts";
import type { ClientContext } from "./client12.ts";
import { epochKeys } from "./key-schedule.ts";
import { codeOfFragmentLength, fragmentLengthOf, recordLimits } from "./limits.ts";
import type { ResumableSession } from "./session.ts";
import {
  after,
  expectAnswer,
  expectMessage,
  FlightBuilder,
  type HandshakeMessage,
  type Input,
  type Progress,
  progressOf,
  type Step,
  type Terms,
  unexpected,
} from "./step.ts";
import { Transcript } from "./transcript.ts";

type On<E extends ClientState["expect"]> = Extract<ClientState, { expect: E }>;
type ClientStep = Step<ClientState>;

/**
 * RFC 6347 §4.2.1: a server whose secret changed meanwhile asks again. More than a few is no server's doing, and
 * each costs a ClientHello.
 */
const mostHelloVerifyRequests = 4;

// --- ClientHello ---

export function onStart(input: Input, context: ClientContext): ClientStep {
  if (input.type !== "start") throw unexpected(input, "the start");
  const sent = firstHello(context);
  return sendHello(sent, { transcript: Transcript.empty, sendSeq: 0 }, 0);
}

function firstHello(context: ClientContext): SentHello {
  const { settings, environment } = context;
  const { cipherSuites, ownCertificateTypes, peerCertificateTypes } = settings;
  const withCertificates = cipherSuites.some(hasCertificates);
  const withGroups = cipherSuites.some(({ keyExchange }) => keyExchange !== "PSK");
  const resumable = usableSession(context);
  const extensions: ClientExtensions = {
    // RFC 6066 §3: literal addresses are not permitted in HostName.
    ...(settings.serverName !== undefined &&
      isIP(settings.serverName) === 0 && { serverName: settings.serverName }),
    ...(withGroups && { supportedGroups: [...settings.groups], ecPointFormats: [0] }),
    ...(withCertificates && { signatureAlgorithms: [...settings.signatureSchemes] }),
    ...(settings.alpnProtocols.length > 0 && { applicationProtocols: [...settings.alpnProtocols] }),
    ...(withCertificates &&
      !onlyX509(ownCertificateTypes) && { clientCertificateTypes: ownCertificateTypes.map(codeOf) }),
    ...(withCertificates &&
      !onlyX509(peerCertificateTypes) && { serverCertificateTypes: peerCertificateTypes.map(codeOf) }),
    extendedMasterSecret: true,
    ...(settings.recordSizeLimit !== undefined && { recordSizeLimit: settings.recordSizeLimit }),
    ...(settings.maxFragmentLength !== undefined && {
      maxFragmentLength: codeOfFragmentLength(settings.maxFragmentLength),
    }),
    ...(settings.sessionTickets && { sessionTicket: resumable?.ticket ?? new Uint8Array() }),
    ...(settings.connectionIds && { connectionId: settings.connectionIds.make() }),
    ...(settings.connectionIds && settings.returnRoutabilityCheck && { returnRoutabilityCheck: true }),
    renegotiationInfo: new Uint8Array(),
  };
  return {
    session: resumable,
    extensions,
    hello: {
      clientVersion: ProtocolVersion.DTLS_1_2,
      random: environment.random(32),
      sessionId: sessionIdFor(resumable, environment),
      cookie: new Uint8Array(),
      cipherSuites: cipherSuites.map(({ id }) => id),
      compressionMethods: [0],
      extensions: writeClientExtensions(extensions),
    },
  };
}

/**
 * The session to offer: still valid, and of a suite and server name that are offered too. A session without a peer, or
 * with another proof than its suite has, is none that this program made.
 */
function usableSession({ settings, environment }: ClientContext): ResumableSession | undefined {
  const { session, cipherSuites, serverName } = settings;
  if (session === undefined || environment.wallClock() >= session.expiresAt) return undefined;
  const suite = cipherSuites.find(({ id }) => id === session.cipherSuite);
  if (suite === undefined || session.serverName !== serverName) return undefined;
  // RFC 7627 §5.3: a session without extended_master_secret SHOULD NOT be offered.
  if (!session.extendedMasterSecret) return undefined;
  const { peerCertificateType } = session;
  const isProof = hasCertificates(suite)
    ? peerCertificateType === "X509" || peerCertificateType === "RawPublicKey"
    : peerCertificateType === "PSK";
  return isProof ? session : undefined;
}

/** RFC 5077 §3.4: beside a ticket a session id of the client's choice, whose echo says that the ticket was taken. */
function sessionIdFor(
  session: ResumableSession | undefined,
  environment: ClientContext["environment"],
): Uint8Array {
  if (session === undefined) return new Uint8Array();
  return session.ticket === undefined ? session.sessionId : environment.random(32);
}

function sendHello(sent: SentHello, progress: Progress, helloVerifyRequests: number): ClientStep {
  const flight = new FlightBuilder(progress).add(HandshakeType.client_hello, encode(ClientHello, sent.hello));
  return {
    state: {
      expect: "hello_verify_request_or_server_hello",
      sent,
      helloVerifyRequests,
      ...flight.progress,
    },
    actions: [flight.sent(undefined, true)],
  };
}

// --- HelloVerifyRequest or ServerHello ---

export function onServerHello(
  state: On<"hello_verify_request_or_server_hello">,
  input: Input,
  context: ClientContext,
): ClientStep {
  const message = expectMessage(input, HandshakeType.hello_verify_request, HandshakeType.server_hello);
  if (message.msgType === HandshakeType.hello_verify_request) return onHelloVerifyRequest(state, message);
  const { sent } = state;
  const hello = decode("ServerHello", ServerHello, message.body);
  const progress = after(state, message);
  const session = resumedSession(hello, sent);
  const terms = readTerms(hello, sent, session, context);
  if (session === undefined) return fullHandshake(terms, progress);
  const { peerCertificateType: certificateType, peerChain: chain, pskIdentity } = session;
  if (certificateType === undefined || certificateType === "PSK") {
    return abbreviated(terms, session, undefined, progress);
  }
  return {
    state: { expect: "resumed_peer", terms, session, ...progress },
    actions: [
      {
        do: "ask",
        question: {
          kind: "peer",
          claim: {
            certificateType,
            chain,
            pskIdentity,
            serverName: context.settings.serverName,
            address: context.address,
            resumed: true,
          },
        },
      },
    ],
  };
}

/** RFC 6347 §4.2.1: the same ClientHello again, with the cookie. Its version is not looked at, as the RFC wants. */
function onHelloVerifyRequest(
  { sent, helloVerifyRequests, sendSeq }: On<"hello_verify_request_or_server_hello">,
  message: HandshakeMessage,
): ClientStep {
  if (helloVerifyRequests >= mostHelloVerifyRequests) {
    throw new DtlsError(
      "DTLS_UNEXPECTED_MESSAGE",
      `the server asked for a cookie ${helloVerifyRequests + 1} times`,
    );
  }
  const { cookie } = decode("HelloVerifyRequest", HelloVerifyRequest, message.body);
  const hello = { ...sent.hello, cookie: Uint8Array.from(cookie) };
  // RFC 6347 §4.2.1: the first ClientHello and the HelloVerifyRequest are in no handshake hash.
  return sendHello({ ...sent, hello }, { transcript: Transcript.empty, sendSeq }, helloVerifyRequests + 1);
}

/** RFC 5246 §7.4.1.3, RFC 5077 §3.4: the server took the session whose id it echoes. */
function resumedSession(
  hello: ServerHello,
  { hello: { sessionId }, session }: SentHello,
): ResumableSession | undefined {
  if (session === undefined || sessionId.length === 0) return undefined;
  return Buffer.compare(hello.sessionId, sessionId) === 0 ? session : undefined;
}

/** Whatever the server chose has to be something that was offered. */
function readTerms(
  hello: ServerHello,
  { hello: sent, extensions: offered }: SentHello,
  session: ResumableSession | undefined,
  { settings }: ClientContext,
): Terms {
  if (hello.serverVersion !== ProtocolVersion.DTLS_1_2) {
    throw new DtlsError(
      "DTLS_PROTOCOL_VERSION",
      `the server chose ${nameOf(ProtocolVersion, hello.serverVersion)}, DTLS 1.2 is needed`,
    );
  }
  const suite = settings.cipherSuites.find(({ id }) => id === hello.cipherSuite);
  if (suite === undefined) {
    const name = suiteById(hello.cipherSuite)?.name ?? `0x${hello.cipherSuite.toString(16)}`;
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", `the server chose ${name}, which was not offered`);
  }
  if (hello.compressionMethod !== 0) {
    throw new DtlsError(
      "DTLS_ILLEGAL_PARAMETER",
      "the server chose a compression method that was not offered",
    );
  }
  const chosen = readServerExtensions(hello.extensions, offered, false);
  // RFC 5746 §3.4: renegotiated_connection is empty in a first handshake.
  if ((chosen.renegotiationInfo?.length ?? 0) > 0) {
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", "renegotiation_info is not empty in a first ServerHello");
  }
  const extendedMasterSecret = chosen.extendedMasterSecret === true;
  if (!extendedMasterSecret && settings.requireExtendedMasterSecret) {
    throw new DtlsError("DTLS_NO_EXTENDED_MASTER_SECRET", "the server does not do extended_master_secret");
  }
  if (session !== undefined) checkResumed(session, hello, extendedMasterSecret, chosen.applicationProtocol);
  const ids = chosen.connectionId !== undefined && offered.connectionId !== undefined;
  // RFC 9853 §3: without connection ids there is nothing to check.
  if (chosen.returnRoutabilityCheck === true && !ids) {
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", "return_routability_check without connection_id");
  }
  const peerCertificateType = certificateTypeName(chosen.serverCertificateType ?? CertificateType.X509);
  if (session === undefined && hasCertificates(suite)) checkCertificateType(peerCertificateType, settings);
  return {
    suite,
    clientRandom: sent.random,
    serverRandom: Uint8Array.from(hello.random),
    extendedMasterSecret,
    serverName: settings.serverName,
    alpnProtocol: chosen.applicationProtocol,
    sendConnectionId: ids ? notEmpty(chosen.connectionId) : undefined,
    receiveConnectionId: ids ? notEmpty(offered.connectionId) : undefined,
    returnRoutabilityCheck: chosen.returnRoutabilityCheck === true,
    ...recordLimits(settings, {
      peerRecordSizeLimit: chosen.recordSizeLimit,
      maxFragmentLength: fragmentLengthOf(chosen.maxFragmentLength),
    }),
    ownCertificateType: certificateTypeName(chosen.clientCertificateType ?? CertificateType.X509),
    peerCertificateType,
    sessionId: Uint8Array.from(hello.sessionId),
    ticket: chosen.sessionTicket === true,
  };
}

/** RFC 7250 §4.2: a server that does not know the extension shows X.509, also to who takes no X.509. */
function checkCertificateType(type: "X509" | "RawPublicKey", { peerCertificateTypes }: ClientSettings): void {
  if (peerCertificateTypes.includes(type)) return;
  throw new DtlsError(
    "DTLS_UNSUPPORTED_CERTIFICATE",
    `the server shows ${type}, only ${peerCertificateTypes.join(", ")} is taken`,
  );
}

function checkResumed(
  session: ResumableSession,
  hello: ServerHello,
  extendedMasterSecret: boolean,
  alpnProtocol: string | undefined,
): void {
  // RFC 5246 §7.4.1.3: the resumed session's cipher suite.
  if (hello.cipherSuite !== session.cipherSuite) {
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", "the server resumes the session with another cipher suite");
  }
  // RFC 7627 §5.3: both ways round the client aborts.
  if (extendedMasterSecret !== session.extendedMasterSecret) {
    throw new DtlsError(
      "DTLS_NO_EXTENDED_MASTER_SECRET",
      "the server resumes the session and changed its mind about extended_master_secret",
    );
  }
  if (alpnProtocol !== session.alpnProtocol) {
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", "the server resumes the session for another protocol");
  }
}

function fullHandshake(terms: Terms, progress: Progress): ClientStep {
  switch (terms.suite.keyExchange) {
    case "ECDHE_ECDSA":
    case "ECDHE_RSA":
      return { state: { expect: "certificate", terms, ...progress }, actions: [] };
    case "ECDHE_PSK":
    case "PSK":
      // RFC 4279 §2: with PSK alone ServerKeyExchange comes only where there is a hint.
      return {
        state: { expect: "server_key_exchange", terms, claim: undefined, ...progress },
        actions: [],
      };
  }
}

// --- resumption ---

export function onResumedPeer(state: On<"resumed_peer">, input: Input): ClientStep {
  const { identity } = expectAnswer(input, "peer");
  return abbreviated(state.terms, state.session, identity, progressOf(state));
}

/** RFC 5246 Figure 2: the server's ChangeCipherSpec and Finished come first. */
function abbreviated(
  terms: Terms,
  session: ResumableSession,
  identity: unknown,
  progress: Progress,
): ClientStep {
  const { masterSecret } = session;
  return {
    state: {
      expect: terms.ticket ? "new_session_ticket" : "change_cipher_spec",
      terms,
      masterSecret,
      end: { proof: { by: "session", session }, identity, ticket: undefined },
      ...progress,
    },
    actions: [
      { do: "keylog", clientRandom: terms.clientRandom, masterSecret },
      { do: "keys", keys: epochKeys(terms, masterSecret, "client") },
    ],
  };
}

// --- shared ---

function hasCertificates({ keyExchange }: { readonly keyExchange: string }): boolean {
  return keyExchange === "ECDHE_ECDSA" || keyExchange === "ECDHE_RSA";
}

function onlyX509(types: readonly ("X509" | "RawPublicKey")[]): boolean {
  return types.every((type) => type === "X509");
}

function codeOf(type: "X509" | "RawPublicKey"): number {
  return CertificateType[type];
}

function notEmpty(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined || bytes.length === 0 ? undefined : Uint8Array.from(bytes);
}
