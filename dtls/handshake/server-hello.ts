import type { ServerSettings } from "../association/settings.ts";
import type { KeyShare } from "../crypto/key-agreement.ts";
import { schemesOfSigner } from "../crypto/signature.ts";
import type { Suite } from "../crypto/suites.ts";
import { DtlsError } from "../errors.ts";
import type { Credential } from "../signer.ts";
import { CertificateRequest } from "../wire/certificate.ts";
import { type ServerExtensions, writeServerExtensions } from "../wire/extensions.ts";
import { ServerHello } from "../wire/hello.ts";
import {
  ServerEcdhParams,
  ServerKeyExchangeEcdhe,
  ServerKeyExchangeEcdhePsk,
  ServerKeyExchangePsk,
} from "../wire/key-exchange.ts";
import { encode } from "../wire/presentation.ts";
import {
  CertificateType,
  ClientCertificateType,
  ECCurveType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
  type SignatureScheme,
} from "../wire/registry.ts";
import { chooseCertificateType, writeCertificate } from "./certificate-types.ts";
import { type ClientOffer, chooseApplicationProtocol, chooseGroup, readClientOffer } from "./client-offer.ts";
import { epochKeys, finishedData } from "./key-schedule.ts";
import { fragmentLengthOf, recordLimits } from "./limits.ts";
import type { ServerState } from "./server-state.ts";
import type { ServerContext } from "./server12.ts";
import type { ResumableSession } from "./session.ts";
import {
  asTranscribed,
  expectAnswer,
  expectMessage,
  FlightBuilder,
  type Input,
  type Progress,
  type Step,
  type Terms,
} from "./step.ts";

type On<E extends ServerState["expect"]> = Extract<ServerState, { expect: E }>;
type ServerStep = Step<ServerState>;

// --- ClientHello ---

export function onClientHello(state: On<"client_hello">, input: Input, context: ServerContext): ServerStep {
  const message = expectMessage(input, HandshakeType.client_hello);
  const { settings } = context;
  const offer = readClientOffer(message, settings);
  const progress = { transcript: state.transcript.with(asTranscribed(message)), sendSeq: state.sendSeq };
  const { sessionTicket } = offer.extensions;
  const ticket = settings.sessionTickets && (sessionTicket?.length ?? 0) > 0 ? sessionTicket : undefined;
  // RFC 5077 §3.4: a ticket goes before the session id.
  if (ticket === undefined && !(settings.sessionIds && offer.sessionId.length > 0)) {
    return fullHandshake(progress, offer, context);
  }
  return {
    state: { expect: "session", offer, ...progress },
    actions: [{ do: "ask", question: { kind: "session", sessionId: offer.sessionId, ticket } }],
  };
}

// --- resumption: the session that the client names ---

export function onSession(state: On<"session">, input: Input, context: ServerContext): ServerStep {
  const { session } = expectAnswer(input, "session");
  const { offer, transcript, sendSeq } = state;
  const progress = { transcript, sendSeq };
  if (session === undefined || !resumes(session, offer, context))
    return fullHandshake(progress, offer, context);
  if (session.peerCertificateType === undefined)
    return abbreviated(progress, offer, session, undefined, context);
  const { peerCertificateType: certificateType, peerChain: chain, pskIdentity } = session;
  return {
    state: { expect: "resumed_peer", offer, session, ...progress },
    actions: [
      {
        do: "ask",
        question: {
          kind: "peer",
          claim: {
            certificateType,
            chain,
            pskIdentity,
            serverName: undefined,
            address: context.address,
            resumed: true,
          },
        },
      },
    ],
  };
}

/** Whether the session is one for this offer: whatever it was bound to has to be the same again. */
function resumes(session: ResumableSession, offer: ClientOffer, context: ServerContext): boolean {
  const { settings, environment } = context;
  if (environment.wallClock() >= session.expiresAt) return false;
  // RFC 5246 §7.4.1.2: the list of suites must hold the session's.
  const suite = offer.suites.find(({ id }) => id === session.cipherSuite);
  if (suite === undefined || !isProofFor(session, suite, settings)) return false;
  const { extendedMasterSecret = false, serverName } = offer.extensions;
  // RFC 7627 §5.3: a session with the extension is not resumed without it: the handshake is aborted.
  if (session.extendedMasterSecret && !extendedMasterSecret) {
    throw new DtlsError(
      "DTLS_NO_EXTENDED_MASTER_SECRET",
      "the client resumes a session with extended_master_secret and does not offer it",
    );
  }
  // RFC 7627 §5.3: a session without it is not resumed, whatever the ClientHello says: a full handshake is.
  if (!session.extendedMasterSecret) return false;
  // RFC 6066 §3: the server MUST NOT resume when the name differs.
  if (serverName !== session.serverName) return false;
  return chooseApplicationProtocol(settings, offer) === session.alpnProtocol;
}

/**
 * Whether what the client proved then is what it would have to prove now. The session may be of a listener with other
 * settings, if that shares its ticket keys.
 */
function isProofFor(
  { peerCertificateType }: ResumableSession,
  suite: Suite,
  { clientAuth, peerCertificateTypes }: ServerSettings,
): boolean {
  if (isPsk(suite) || peerCertificateType === "PSK") return isPsk(suite) && peerCertificateType === "PSK";
  // Where a client certificate is required, a session without one opens nothing.
  if (peerCertificateType === undefined) return clientAuth !== "required";
  return peerCertificateTypes.includes(peerCertificateType);
}

export function onResumedPeer(state: On<"resumed_peer">, input: Input, context: ServerContext): ServerStep {
  const { offer, session, transcript, sendSeq } = state;
  const progress = { transcript, sendSeq };
  // Revoked since, or renewed: the client may still prove something better in a full handshake.
  if (input.type === "answer" && input.answer.kind === "refused")
    return fullHandshake(progress, offer, context);
  const { identity } = expectAnswer(input, "peer");
  return abbreviated(progress, offer, session, identity, context);
}

/** RFC 5246 Figure 2: ServerHello, ChangeCipherSpec, Finished; then the client's. */
function abbreviated(
  progress: Progress,
  offer: ClientOffer,
  session: ResumableSession,
  identity: unknown,
  context: ServerContext,
): ServerStep {
  const suite = offer.suites.find(({ id }) => id === session.cipherSuite);
  if (suite === undefined) throw new Error("unreachable: the session's suite was offered");
  // RFC 5246 §7.4.1.3, RFC 5077 §3.4: the session id is echoed, which is how the client knows.
  const terms = { ...agree(offer, suite, "X509", context), sessionId: offer.sessionId, ticket: false };
  const { masterSecret } = session;
  const flight = new FlightBuilder(progress)
    .add(HandshakeType.server_hello, serverHello(terms, offer, context.settings, true))
    .changeCipherSpec();
  flight.add(HandshakeType.finished, finishedData(terms, masterSecret, "server", flight.progress.transcript));
  return {
    state: {
      expect: "change_cipher_spec",
      terms,
      masterSecret,
      proof: { by: "session", session },
      identity,
      ...flight.progress,
    },
    actions: [
      { do: "keylog", clientRandom: terms.clientRandom, masterSecret },
      { do: "keys", keys: epochKeys(terms, masterSecret, "server") },
      flight.sent(terms, true),
    ],
  };
}

// --- full handshake: ServerHello to ServerHelloDone ---

function fullHandshake(progress: Progress, offer: ClientOffer, context: ServerContext): ServerStep {
  const { settings } = context;
  const [first] = offer.suites;
  // Pre-shared keys come before certificates in the order only when they are wanted so.
  if (first !== undefined && isPsk(first) && hasShareFor(first, settings, offer)) {
    return pskHello(progress, offer, first, context);
  }
  const certificateType = chooseCertificateType(
    settings.ownCertificateTypes,
    offer.extensions.serverCertificateTypes,
  );
  const signatureSchemes = commonSchemes(settings, offer);
  if (certificateType === undefined || signatureSchemes.length === 0) {
    return certificateless(
      progress,
      offer,
      context,
      "no signature scheme or certificate type fits both sides",
    );
  }
  return {
    state: { expect: "credential", offer, ...progress },
    actions: [
      {
        do: "ask",
        question: {
          kind: "credential",
          serverName: offer.extensions.serverName,
          certificateTypes: [certificateType],
          signatureSchemes,
          certificateAuthorities: [],
        },
      },
    ],
  };
}

export function onCredential(state: On<"credential">, input: Input, context: ServerContext): ServerStep {
  const { credential } = expectAnswer(input, "credential");
  const { offer, transcript, sendSeq } = state;
  const { settings, environment } = context;
  const progress = { transcript, sendSeq };
  const group = chooseGroup(settings, offer);
  const choice = credential && group && chooseSuite(credential, settings, offer);
  if (credential === undefined || group === undefined || choice === undefined) {
    return certificateless(
      progress,
      offer,
      context,
      "no suite, group or signature scheme fits the certificate",
    );
  }
  const { suite, scheme } = choice;
  const share = environment.generateKeyShare(group);
  const terms = agree(offer, suite, credential.certificateType, context);
  const params = encode(ServerEcdhParams, ecdhParams(share));
  // RFC 8422 §5.4: SHA(ClientHello.random + ServerHello.random + ServerKeyExchange.params).
  const bytes = Buffer.concat([terms.clientRandom, terms.serverRandom, params]);
  return {
    state: { expect: "signature", offer, terms, credential, scheme, share, ...progress },
    actions: [{ do: "ask", question: { kind: "sign", credential, scheme, bytes } }],
  };
}

export function onSignature(state: On<"signature">, input: Input, { settings }: ServerContext): ServerStep {
  const { signature } = expectAnswer(input, "sign");
  const { offer, terms, credential, scheme, share, transcript, sendSeq } = state;
  const flight = new FlightBuilder({ transcript, sendSeq })
    .add(HandshakeType.server_hello, serverHello(terms, offer, settings, false))
    .add(HandshakeType.certificate, writeCertificate(credential))
    .add(
      HandshakeType.server_key_exchange,
      encode(ServerKeyExchangeEcdhe, { params: ecdhParams(share), algorithm: scheme, signature }),
    );
  if (settings.clientAuth !== "none") {
    flight.add(HandshakeType.certificate_request, certificateRequest(settings));
  }
  flight.add(HandshakeType.server_hello_done, new Uint8Array());
  const send = flight.sent(terms, true);
  if (settings.clientAuth !== "none") {
    return { state: { expect: "certificate", terms, share, ...flight.progress }, actions: [send] };
  }
  return {
    state: { expect: "client_key_exchange", terms, share, claim: undefined, ...flight.progress },
    actions: [send],
  };
}

/** The same for all clients of a listener. */
const certificateRequests = new WeakMap<ServerSettings, Uint8Array>();

function certificateRequest(settings: ServerSettings): Uint8Array {
  let body = certificateRequests.get(settings);
  if (body === undefined) {
    body = encode(CertificateRequest, {
      certificateTypes: [ClientCertificateType.ecdsa_sign, ClientCertificateType.rsa_sign],
      supportedSignatureAlgorithms: settings.signatureSchemes,
      certificateAuthorities: settings.certificateAuthorities,
    });
    certificateRequests.set(settings, body);
  }
  return body;
}

/** ServerHello to ServerHelloDone with a pre-shared key (RFC 4279 §2, RFC 5489 §2): nobody shows a certificate. */
function pskHello(progress: Progress, offer: ClientOffer, suite: Suite, context: ServerContext): ServerStep {
  const { settings, environment } = context;
  const terms = agree(offer, suite, "X509", context);
  const flight = new FlightBuilder(progress).add(
    HandshakeType.server_hello,
    serverHello(terms, offer, settings, false),
  );
  const group = suite.keyExchange === "ECDHE_PSK" ? chooseGroup(settings, offer) : undefined;
  const share = group === undefined ? undefined : environment.generateKeyShare(group);
  const pskIdentityHint = settings.pskIdentityHint ?? new Uint8Array();
  if (share !== undefined) {
    flight.add(
      HandshakeType.server_key_exchange,
      encode(ServerKeyExchangeEcdhePsk, { pskIdentityHint, params: ecdhParams(share) }),
    );
  } else if (pskIdentityHint.length > 0) {
    // RFC 4279 §2: without a hint the message is left out.
    flight.add(HandshakeType.server_key_exchange, encode(ServerKeyExchangePsk, { pskIdentityHint }));
  }
  flight.add(HandshakeType.server_hello_done, new Uint8Array());
  return {
    state: { expect: "client_key_exchange", terms, share, claim: undefined, ...flight.progress },
    actions: [flight.sent(terms, true)],
  };
}

/** Certificates will not do: a pre-shared key, or nothing. */
function certificateless(
  progress: Progress,
  offer: ClientOffer,
  context: ServerContext,
  otherwise: string,
): ServerStep {
  const { settings } = context;
  const suite = offer.suites.find((one) => isPsk(one) && hasShareFor(one, settings, offer));
  if (suite === undefined) throw noCommonSuite(otherwise);
  return pskHello(progress, offer, suite, context);
}

// --- what is agreed on ---

function agree(
  offer: ClientOffer,
  suite: Suite,
  ownCertificateType: "X509" | "RawPublicKey",
  { settings, environment }: ServerContext,
): Terms {
  const { extensions } = offer;
  const peerCertificateType = chooseCertificateType(
    settings.peerCertificateTypes,
    extensions.clientCertificateTypes,
  );
  if (peerCertificateType === undefined && settings.clientAuth !== "none" && !isPsk(suite)) {
    // RFC 7250 §4.2: no certificate type in common ends the handshake.
    throw new DtlsError("DTLS_UNSUPPORTED_CERTIFICATE", "no client certificate type is known to both sides");
  }
  const { connectionIds } = settings;
  const peerConnectionId = connectionIds && extensions.connectionId;
  // RFC 7627 §5.3: a session without extended_master_secret is not one to resume.
  const extendedMasterSecret = extensions.extendedMasterSecret === true;
  const ticket = extendedMasterSecret && settings.sessionTickets && extensions.sessionTicket !== undefined;
  const sessionId = extendedMasterSecret && settings.sessionIds && !ticket;
  return {
    suite,
    clientRandom: offer.random,
    serverRandom: environment.random(32),
    extendedMasterSecret,
    serverName: extensions.serverName,
    alpnProtocol: chooseApplicationProtocol(settings, offer),
    // RFC 9146 §3: a side that sends a zero-length id wants none on what it receives.
    sendConnectionId: peerConnectionId?.length ? Uint8Array.from(peerConnectionId) : undefined,
    receiveConnectionId:
      peerConnectionId && connectionIds ? Uint8Array.from(connectionIds.make()) : undefined,
    // RFC 9853 §3: only together with connection ids.
    returnRoutabilityCheck:
      settings.returnRoutabilityCheck &&
      peerConnectionId !== undefined &&
      extensions.returnRoutabilityCheck === true,
    ...recordLimits(settings, {
      peerRecordSizeLimit: extensions.recordSizeLimit,
      maxFragmentLength: fragmentLengthOf(extensions.maxFragmentLength),
    }),
    ownCertificateType,
    peerCertificateType: peerCertificateType ?? "X509",
    sessionId: sessionId ? environment.random(32) : new Uint8Array(),
    ticket,
  };
}

/** RFC 5246 §7.4.1.4: only what the client offered is answered. */
function serverHello(
  terms: Terms,
  offer: ClientOffer,
  settings: ServerSettings,
  resumed: boolean,
): Uint8Array {
  const { extensions: offered } = offer;
  const certificates = !isPsk(terms.suite) && !resumed;
  const extensions: ServerExtensions = {
    ...(offer.secureRenegotiation && { renegotiationInfo: new Uint8Array() }),
    ...(terms.extendedMasterSecret && { extendedMasterSecret: true }),
    // RFC 6066 §3: a resumed session is not told the name again.
    ...(certificates && terms.serverName !== undefined && { serverName: true }),
    ...(offered.ecPointFormats && terms.suite.keyExchange !== "PSK" && { ecPointFormats: [0] }),
    ...(terms.alpnProtocol !== undefined && { applicationProtocol: terms.alpnProtocol }),
    ...(certificates &&
      offered.serverCertificateTypes && { serverCertificateType: CertificateType[terms.ownCertificateType] }),
    ...(certificates &&
      settings.clientAuth !== "none" &&
      offered.clientCertificateTypes && {
        clientCertificateType: CertificateType[terms.peerCertificateType],
      }),
    ...(offered.recordSizeLimit !== undefined && { recordSizeLimit: terms.receiveLimit }),
    ...(terms.maxFragmentLength !== undefined && { maxFragmentLength: offered.maxFragmentLength }),
    ...(terms.ticket && { sessionTicket: true }),
    ...(terms.receiveConnectionId && { connectionId: terms.receiveConnectionId }),
    ...(terms.returnRoutabilityCheck && { returnRoutabilityCheck: true }),
  };
  return encode(ServerHello, {
    serverVersion: ProtocolVersion.DTLS_1_2,
    random: terms.serverRandom,
    sessionId: terms.sessionId,
    cipherSuite: terms.suite.id,
    compressionMethod: 0,
    extensions: writeServerExtensions(extensions),
  });
}

/** The first suite of ours, and the first scheme of the client's, that the credential's key can serve. */
function chooseSuite(
  credential: Credential,
  settings: ServerSettings,
  offer: ClientOffer,
): { suite: Suite; scheme: SignatureScheme } | undefined {
  const { publicKey } = credential.signer;
  const keyExchange = publicKey.asymmetricKeyType === "rsa" ? "ECDHE_RSA" : "ECDHE_ECDSA";
  const suite = offer.suites.find((one) => one.keyExchange === keyExchange);
  const able: readonly number[] = schemesOfSigner(credential.signer);
  const scheme = commonSchemes(settings, offer).find((one) => able.includes(one));
  if (suite === undefined || scheme === undefined || !knowsCurve(credential, offer)) return undefined;
  // RFC 7250 §4.2: a kind of certificate that the client did not ask for is not shown to it.
  const { serverCertificateTypes } = offer.extensions;
  if (chooseCertificateType([credential.certificateType], serverCertificateTypes) === undefined)
    return undefined;
  return { suite, scheme };
}

/** RFC 8422 §5.1: a client that names groups takes no certificate on another curve. */
function knowsCurve(credential: Credential, offer: ClientOffer): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = credential.signer.publicKey;
  const { supportedGroups } = offer.extensions;
  if (asymmetricKeyType !== "ec" || supportedGroups === undefined) return true;
  const curve =
    asymmetricKeyDetails?.namedCurve === "secp384r1" ? NamedGroup.secp384r1 : NamedGroup.secp256r1;
  return supportedGroups.includes(curve);
}

/** In our order. Without the extension RFC 5246 §7.4.1.4.1 means SHA-1, which is not done here. */
function commonSchemes(settings: ServerSettings, offer: ClientOffer): readonly SignatureScheme[] {
  const offered = offer.extensions.signatureAlgorithms ?? [];
  return settings.signatureSchemes.filter((scheme) => offered.includes(scheme));
}

function isPsk({ keyExchange }: Suite): boolean {
  return keyExchange === "PSK" || keyExchange === "ECDHE_PSK";
}

function hasShareFor({ keyExchange }: Suite, settings: ServerSettings, offer: ClientOffer): boolean {
  return keyExchange !== "ECDHE_PSK" || chooseGroup(settings, offer) !== undefined;
}

function ecdhParams({ group, publicKey }: KeyShare) {
  return { curveType: ECCurveType.named_curve, namedGroup: group, public: publicKey };
}

function noCommonSuite(detail: string): DtlsError {
  return new DtlsError("DTLS_NO_COMMON_SUITE", detail);
}
