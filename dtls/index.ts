/**
 * DTLS 1.2 (RFC 6347) with certificates, raw public keys or pre-shared keys, on node:crypto alone. The names are those
 * of Node's own `node:dtls`, as far as that goes.
 *
 * A server:
 *
 *     const endpoint = listen((session) => { session.onmessage = (data) => session.send(data); },
 *       { host: "::", port: 5684, cert, key, ca });
 *     await endpoint.ready;
 *
 * A client:
 *
 *     await using session = connect("gateway.example", 5684, { cert, key, ca });
 *     await session.opened;
 *     session.send("hello");
 */

export type { PeerClaim } from "./association/outputs.ts";
export type { Address, Retransmission } from "./association/settings.ts";
export { KeySigner } from "./crypto/signature.ts";
export { type KeyExchange, type Suite, suites } from "./crypto/suites.ts";
export { connect } from "./endpoint/connect.ts";
export { certificateCredential, rawPublicKeyCredential } from "./endpoint/credentials.ts";
export { defaults } from "./endpoint/defaults.ts";
export { type BoundAddress, DTLSEndpoint, type EndpointEvents } from "./endpoint/endpoint.ts";
export { listen } from "./endpoint/listen.ts";
export type {
  Awaitable,
  CertificateType,
  ClientPsk,
  CommonOptions,
  ConnectOptions,
  CredentialQuestion,
  CredentialSource,
  ListenOptions,
  Pem,
  PemCredential,
  Restore,
  VerifyPeer,
} from "./endpoint/options.ts";
export {
  createSecureContext,
  DTLSSecureContext,
  type SecureContextOptions,
} from "./endpoint/secure-context.ts";
export type { Refused } from "./endpoint/server-core.ts";
export {
  DTLSSession,
  type RemoteAddress,
  type SessionCipher,
  type SessionEvents,
  type SessionStats,
} from "./endpoint/session.ts";
export type { EndpointDiscardReason, EndpointStats } from "./endpoint/stats.ts";
export type { CertificateIdentity } from "./endpoint/verify-with-ca.ts";
export { type WorkerPlace, type WorkerSink, workerPlace } from "./endpoint/worker-place.ts";
export {
  startWorkers,
  type WorkerPool,
  type WorkerPoolEvents,
  type WorkerPoolOptions,
} from "./endpoint/worker-pool.ts";
export { DtlsError, type DtlsErrorCode, type DtlsErrorOptions, dtlsErrors } from "./errors.ts";
export { AuthenticatedPeer } from "./handshake/peer.ts";
export type { Credential, Signer } from "./signer.ts";
export { NamedGroup, SignatureScheme } from "./wire/registry.ts";
