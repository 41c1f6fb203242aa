import { ecdhePskPremaster, pskPremaster } from "../crypto/premaster.ts";
import { schemesOfSigner } from "../crypto/signature.ts";
import { DtlsError } from "../errors.ts";
import type { Credential } from "../signer.ts";
import { CertificateRequest, CertificateVerify } from "../wire/certificate.ts";
import {
  ClientKeyExchangeEcdhe,
  ClientKeyExchangeEcdhePsk,
  ClientKeyExchangePsk,
  ServerEcdhParams,
  ServerKeyExchangeEcdhe,
  ServerKeyExchangeEcdhePsk,
  ServerKeyExchangePsk,
} from "../wire/key-exchange.ts";
import { decode, encode } from "../wire/presentation.ts";
import { HandshakeType, NamedGroup, nameOf, type SignatureScheme } from "../wire/registry.ts";
import { readCertificate, writeCertificate } from "./certificate-types.ts";
import { sendFinished } from "./client-finish.ts";
import type { ClientState, ServerEnd, ServerSaid } from "./client-state.ts";
import type { ClientContext } from "./client12.ts";
import { deriveMasterSecret, epochKeys } from "./key-schedule.ts";
import { type PeerProof, VerifiedSignature } from "./peer.ts";
import {
  after,
  expectAnswer,
  expectMessage,
  FlightBuilder,
  type Input,
  type Progress,
  progressOf,
  type Step,
  type Terms,
} from "./step.ts";

type On<E extends ClientState["expect"]> = Extract<ClientState, { expect: E }>;
type ClientStep = Step<ClientState>;

// --- server's Certificate ---

export function onCertificate(state: On<"certificate">, input: Input): ClientStep {
  const message = expectMessage(input, HandshakeType.certificate);
  const { terms } = state;
  const claim = readCertificate(terms.peerCertificateType, message.body);
  // RFC 5246 §7.4.2: the server's certificate is never empty in these suites.
  if (claim === undefined) throw new DtlsError("DTLS_NO_CERTIFICATE", "the server showed no certificate");
  // RFC 5246 §7.4.2: the key has to be one that the cipher suite's key exchange can use.
  const needed = terms.suite.keyExchange === "ECDHE_RSA";
  if ((claim.publicKey.asymmetricKeyType === "rsa") !== needed) {
    throw new DtlsError(
      "DTLS_BAD_CERTIFICATE",
      `the server's key (${claim.publicKey.asymmetricKeyType}) does not fit ${terms.suite.name}`,
    );
  }
  return { state: { expect: "server_key_exchange", terms, claim, ...after(state, message) }, actions: [] };
}

// --- server's ServerKeyExchange ---

export function onServerKeyExchange(
  state: On<"server_key_exchange">,
  input: Input,
  context: ClientContext,
): ClientStep {
  const { terms, claim } = state;
  if (terms.suite.keyExchange === "PSK") return onPskHint(state, input, context);
  const message = expectMessage(input, HandshakeType.server_key_exchange);
  const progress = after(state, message);
  if (claim === undefined) {
    const { pskIdentityHint, params } = decode("ServerKeyExchange", ServerKeyExchangeEcdhePsk, message.body);
    checkGroup(params.namedGroup, context);
    const said = {
      signature: undefined,
      params: kept(params),
      pskIdentityHint: hintOf(pskIdentityHint),
      request: undefined,
    };
    return { state: { expect: "server_hello_done", terms, said, ...progress }, actions: [] };
  }
  const { params, algorithm, signature } = decode("ServerKeyExchange", ServerKeyExchangeEcdhe, message.body);
  checkGroup(params.namedGroup, context);
  // RFC 8422 §5.4: over both randoms and the parameters, so that neither can be replayed.
  const signed = Buffer.concat([terms.clientRandom, terms.serverRandom, encode(ServerEcdhParams, params)]);
  const verified = VerifiedSignature.verify(
    claim,
    context.settings.signatureSchemes,
    algorithm,
    signed,
    signature,
  );
  const said = { signature: verified, params: kept(params), pskIdentityHint: undefined, request: undefined };
  return { state: { expect: "certificate_request_or_done", terms, said, ...progress }, actions: [] };
}

/** RFC 4279 §2: with PSK alone the message is there only to carry a hint. */
function onPskHint(state: On<"server_key_exchange">, input: Input, context: ClientContext): ClientStep {
  const { terms } = state;
  const message = expectMessage(input, HandshakeType.server_key_exchange, HandshakeType.server_hello_done);
  const said = { signature: undefined, params: undefined, pskIdentityHint: undefined, request: undefined };
  if (message.msgType === HandshakeType.server_hello_done) {
    return onServerHelloDone(
      { expect: "server_hello_done", terms, said, ...progressOf(state) },
      input,
      context,
    );
  }
  const { pskIdentityHint } = decode("ServerKeyExchange", ServerKeyExchangePsk, message.body);
  return {
    state: {
      expect: "server_hello_done",
      terms,
      said: { ...said, pskIdentityHint: hintOf(pskIdentityHint) },
      ...after(state, message),
    },
    actions: [],
  };
}

/** RFC 8422 §5.4: the curve is one that the client offered. */
function checkGroup(group: number, { settings }: ClientContext): void {
  const offered: readonly number[] = settings.groups;
  if (!offered.includes(group)) {
    throw new DtlsError(
      "DTLS_ILLEGAL_PARAMETER",
      `the server chose group ${nameOf(NamedGroup, group)}, which was not offered`,
    );
  }
}

// --- server's CertificateRequest and ServerHelloDone ---

export function onCertificateRequestOrDone(
  state: On<"certificate_request_or_done">,
  input: Input,
  context: ClientContext,
): ClientStep {
  const message = expectMessage(input, HandshakeType.certificate_request, HandshakeType.server_hello_done);
  const { terms, said } = state;
  if (message.msgType === HandshakeType.server_hello_done) {
    return onServerHelloDone({ ...state, expect: "server_hello_done" }, input, context);
  }
  const request = decode("CertificateRequest", CertificateRequest, message.body);
  const certificateAuthorities = request.certificateAuthorities.map((name) => Uint8Array.from(name));
  return {
    state: {
      expect: "server_hello_done",
      terms,
      said: { ...said, request: { ...request, certificateAuthorities } },
      ...after(state, message),
    },
    actions: [],
  };
}

export function onServerHelloDone(
  state: On<"server_hello_done">,
  input: Input,
  context: ClientContext,
): ClientStep {
  const message = expectMessage(input, HandshakeType.server_hello_done);
  if (message.body.length > 0) {
    throw new DtlsError("DTLS_DECODE_ERROR", `ServerHelloDone: ${message.body.length} bytes left over`);
  }
  const { terms, said } = state;
  const progress = after(state, message);
  if (said.signature === undefined) {
    return {
      state: { expect: "psk", terms, said, ...progress },
      actions: [{ do: "ask", question: { kind: "psk", identity: undefined, hint: said.pskIdentityHint } }],
    };
  }
  // Before anything of ours is shown: who is this server?
  const { certificateType, chain } = said.signature.claim;
  const { settings, address } = context;
  const claim = {
    certificateType,
    chain,
    pskIdentity: undefined,
    serverName: settings.serverName,
    address,
    resumed: false,
  };
  return {
    state: { expect: "peer", terms, said, signature: said.signature, ...progress },
    actions: [{ do: "ask", question: { kind: "peer", claim } }],
  };
}

// --- the application's answers: the server is good; a certificate, a key or a signature for it ---

export function onPeer(state: On<"peer">, input: Input, context: ClientContext): ClientStep {
  const { identity } = expectAnswer(input, "peer");
  const { terms, said } = state;
  const progress = progressOf(state);
  const { request } = said;
  if (request === undefined) return keyExchange(terms, said, identity, undefined, progress, context);
  return {
    state: { expect: "credential", terms, said, identity, ...progress },
    actions: [
      {
        do: "ask",
        question: {
          kind: "credential",
          serverName: context.settings.serverName,
          certificateTypes: [terms.ownCertificateType],
          signatureSchemes: schemesOf(request, context),
          certificateAuthorities: request.certificateAuthorities,
        },
      },
    ],
  };
}

export function onCredential(state: On<"credential">, input: Input, context: ClientContext): ClientStep {
  const { credential } = expectAnswer(input, "credential");
  const { terms, said, identity } = state;
  const scheme = credential && schemeFor(credential, terms, said, context);
  // RFC 5246 §7.4.6: a client without a fitting certificate MUST send a message that holds none.
  const shown = scheme === undefined || credential === undefined ? undefined : { credential, scheme };
  const flight = new FlightBuilder(progressOf(state)).add(
    HandshakeType.certificate,
    writeCertificate(shown?.credential),
  );
  return keyExchange(terms, said, identity, shown, flight.progress, context, flight);
}

interface Shown {
  readonly credential: Credential;
  readonly scheme: SignatureScheme;
}

/** ClientKeyExchange of the suites with certificates, and what follows it. */
function keyExchange(
  terms: Terms,
  said: ServerSaid,
  identity: unknown,
  shown: Shown | undefined,
  progress: Progress,
  { environment }: ClientContext,
  flight = new FlightBuilder(progress),
): ClientStep {
  const { signature, params } = said;
  if (signature === undefined || params === undefined)
    throw new Error("unreachable: the server's key was verified");
  const share = environment.generateKeyShare(groupOf(params));
  const premaster = share.agree(params.public);
  flight.add(HandshakeType.client_key_exchange, encode(ClientKeyExchangeEcdhe, { public: share.publicKey }));
  const proof: PeerProof = { by: "signature", signature };
  return withSecret(terms, premaster, { proof, identity, ticket: undefined }, shown, flight);
}

export function onPsk(state: On<"psk">, input: Input, { environment }: ClientContext): ClientStep {
  const { psk } = expectAnswer(input, "psk");
  // An empty key is one that everybody has.
  if (psk === undefined || psk.key.length === 0) {
    throw new DtlsError("DTLS_UNKNOWN_PSK_IDENTITY", "there is no pre-shared key for this server");
  }
  const { terms, said } = state;
  const { params } = said;
  const flight = new FlightBuilder(progressOf(state));
  const proof: PeerProof = { by: "psk", pskIdentity: psk.identity };
  const end = { proof, identity: undefined, ticket: undefined };
  if (params === undefined) {
    flight.add(
      HandshakeType.client_key_exchange,
      encode(ClientKeyExchangePsk, { pskIdentity: psk.identity }),
    );
    return withSecret(terms, pskPremaster(psk.key), end, undefined, flight);
  }
  const share = environment.generateKeyShare(groupOf(params));
  const premaster = ecdhePskPremaster(share.agree(params.public), psk.key);
  flight.add(
    HandshakeType.client_key_exchange,
    encode(ClientKeyExchangeEcdhePsk, { pskIdentity: psk.identity, public: share.publicKey }),
  );
  return withSecret(terms, premaster, end, undefined, flight);
}

/** The master secret is known; CertificateVerify, if there is a certificate, then ChangeCipherSpec and Finished. */
function withSecret(
  terms: Terms,
  premaster: Uint8Array,
  end: ServerEnd,
  shown: Shown | undefined,
  flight: FlightBuilder,
): ClientStep {
  const masterSecret = deriveMasterSecret(terms, premaster, flight.progress.transcript);
  const keys = [
    { do: "keylog", clientRandom: terms.clientRandom, masterSecret },
    { do: "keys", keys: epochKeys(terms, masterSecret, "client") },
  ] as const;
  if (shown === undefined) {
    const last = sendFinished(terms, masterSecret, end, flight);
    return { state: last.state, actions: [...keys, ...last.actions] };
  }
  const { credential, scheme } = shown;
  const { transcript } = flight.progress;
  return {
    state: {
      expect: "signature",
      terms,
      masterSecret,
      credential,
      scheme,
      flight: flight.items,
      end,
      ...flight.progress,
    },
    actions: [
      ...keys,
      // RFC 5246 §7.4.8: over all handshake messages sent or received so far.
      { do: "ask", question: { kind: "sign", credential, scheme, bytes: transcript.bytes() } },
    ],
  };
}

export function onSignature(state: On<"signature">, input: Input): ClientStep {
  const { signature } = expectAnswer(input, "sign");
  const { terms, masterSecret, scheme, end } = state;
  const flight = new FlightBuilder(progressOf(state), state.flight).add(
    HandshakeType.certificate_verify,
    encode(CertificateVerify, { algorithm: scheme, signature }),
  );
  return sendFinished(terms, masterSecret, end, flight);
}

// --- shared ---

/** The schemes of CertificateRequest that this side does. */
function schemesOf(request: CertificateRequest, { settings }: ClientContext): readonly SignatureScheme[] {
  return settings.signatureSchemes.filter((scheme) => request.supportedSignatureAlgorithms.includes(scheme));
}

function schemeFor(
  { certificateType, signer }: Credential,
  terms: Terms,
  { request }: ServerSaid,
  context: ClientContext,
): SignatureScheme | undefined {
  if (request === undefined || certificateType !== terms.ownCertificateType) return undefined;
  const able: readonly number[] = schemesOfSigner(signer);
  return schemesOf(request, context).find((scheme) => able.includes(scheme));
}

function groupOf({ namedGroup }: ServerEcdhParams): NamedGroup {
  for (const group of Object.values(NamedGroup)) if (group === namedGroup) return group;
  throw new Error("unreachable: the group was checked");
}

function kept(params: ServerEcdhParams): ServerEcdhParams {
  return { ...params, public: Uint8Array.from(params.public) };
}

function hintOf(hint: Uint8Array): Uint8Array | undefined {
  return hint.length === 0 ? undefined : Uint8Array.from(hint);
}
