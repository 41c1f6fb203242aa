import type { KeyShare } from "../crypto/key-agreement.ts";
import type { Credential } from "../signer.ts";
import type { SignatureScheme } from "../wire/registry.ts";
import type { ClientOffer } from "./client-offer.ts";
import type { AuthenticatedPeer, ClaimedKey, PeerProof, VerifiedFinished } from "./peer.ts";
import type { ResumableSession } from "./session.ts";
import type { Progress, Terms } from "./step.ts";

interface WithTerms extends Progress {
  readonly terms: Terms;
}

interface WithSecret extends WithTerms {
  readonly masterSecret: Uint8Array;
}

/** `nothing`: no certificate was shown. `unknown_psk`: the handshake runs with a random key and cannot succeed. */
export type ClientProof = PeerProof | { readonly by: "nothing" } | { readonly by: "unknown_psk" };

/**
 * The server's side of RFC 5246 §7.3 over RFC 6347 §4.2.4; each state is named by what it awaits, a message of the
 * client or an answer of the application, and holds only what later steps need.
 *
 *     Client                                   Server
 *     ClientHello (with cookie) ------>                          client_hello
 *                                                                [session, resumed_peer] credential signature
 *                               <------  ServerHello
 *                                        Certificate*
 *                                        ServerKeyExchange*
 *                                        CertificateRequest*
 *                                        ServerHelloDone
 *     Certificate*              ------>                          certificate
 *     ClientKeyExchange                                          client_key_exchange [psk]
 *     CertificateVerify*                                         certificate_verify
 *     [ChangeCipherSpec]                                         change_cipher_spec
 *     Finished                                                   finished peer [ticket]
 *                               <------  NewSessionTicket*
 *                                        [ChangeCipherSpec]
 *                                        Finished                application_data
 */
export type ServerState =
  | ({ readonly expect: "client_hello" } & Progress)
  | ({ readonly expect: "session"; readonly offer: ClientOffer } & Progress)
  | ({
      readonly expect: "resumed_peer";
      readonly offer: ClientOffer;
      readonly session: ResumableSession;
    } & Progress)
  | ({ readonly expect: "credential"; readonly offer: ClientOffer } & Progress)
  | ({
      readonly expect: "signature";
      readonly offer: ClientOffer;
      readonly credential: Credential;
      readonly scheme: SignatureScheme;
      readonly share: KeyShare;
    } & WithTerms)
  | ({ readonly expect: "certificate"; readonly share: KeyShare } & WithTerms)
  | ({
      readonly expect: "client_key_exchange";
      readonly share: KeyShare | undefined;
      readonly claim: ClaimedKey | undefined;
    } & WithTerms)
  | ({
      readonly expect: "psk";
      readonly pskIdentity: Uint8Array;
      readonly sharedSecret: Uint8Array | undefined;
    } & WithTerms)
  | ({ readonly expect: "certificate_verify"; readonly claim: ClaimedKey } & WithSecret)
  | ({
      readonly expect: "change_cipher_spec" | "finished";
      readonly proof: ClientProof;
      /** The identity that the application gave a resumed peer. */
      readonly identity: unknown;
    } & WithSecret)
  | ({
      readonly expect: "peer";
      readonly proof: PeerProof;
      readonly finished: VerifiedFinished;
    } & WithSecret)
  | ({ readonly expect: "ticket"; readonly peer: AuthenticatedPeer | undefined } & WithSecret)
  | { readonly expect: "application_data" };
