import type { Credential } from "../signer.ts";
import type { CertificateRequest } from "../wire/certificate.ts";
import type { ClientExtensions } from "../wire/extensions.ts";
import type { ClientHello } from "../wire/hello.ts";
import type { ServerEcdhParams } from "../wire/key-exchange.ts";
import type { SignatureScheme } from "../wire/registry.ts";
import type { ClaimedKey, PeerProof, VerifiedSignature } from "./peer.ts";
import type { ResumableSession } from "./session.ts";
import type { FlightItem, Progress, Terms } from "./step.ts";

interface WithTerms extends Progress {
  readonly terms: Terms;
}

interface WithSecret extends WithTerms {
  readonly masterSecret: Uint8Array;
}

/** What the ClientHello said; a second one says the same with a cookie. */
export interface SentHello {
  readonly hello: ClientHello;
  readonly extensions: ClientExtensions;
  /** The session that it offers to resume. */
  readonly session: ResumableSession | undefined;
}

/** What the server has said between its hello and ServerHelloDone. */
export interface ServerSaid {
  /** Proof of the server's key; undefined with pre-shared keys. */
  readonly signature: VerifiedSignature | undefined;
  readonly params: ServerEcdhParams | undefined;
  readonly pskIdentityHint: Uint8Array | undefined;
  readonly request: CertificateRequest | undefined;
}

/** How the handshake will end once the server's Finished is there. */
export interface ServerEnd {
  readonly proof: PeerProof;
  readonly identity: unknown;
  readonly ticket: { readonly bytes: Uint8Array; readonly lifetimeSeconds: number } | undefined;
}

/**
 * The client's side of RFC 5246 §7.3 over RFC 6347 §4.2.4; each state is named by what it awaits.
 *
 *     Client                                   Server
 *     ClientHello               ------>
 *                               <------  HelloVerifyRequest      hello_verify_request_or_server_hello
 *     ClientHello (with cookie) ------>
 *                               <------  ServerHello             hello_verify_request_or_server_hello
 *                                        Certificate*            certificate
 *                                        ServerKeyExchange*      server_key_exchange
 *                                        CertificateRequest*     certificate_request_or_done
 *                                        ServerHelloDone         server_hello_done peer [credential psk signature]
 *     Certificate*              ------>
 *     ClientKeyExchange
 *     CertificateVerify*
 *     [ChangeCipherSpec]
 *     Finished
 *                               <------  NewSessionTicket*       new_session_ticket
 *                                        [ChangeCipherSpec]      change_cipher_spec
 *                                        Finished                finished -> application_data
 */
export type ClientState =
  | { readonly expect: "start" }
  | ({
      readonly expect: "hello_verify_request_or_server_hello";
      readonly sent: SentHello;
      /** How many came so far: each costs a ClientHello. */
      readonly helloVerifyRequests: number;
    } & Progress)
  | ({ readonly expect: "resumed_peer"; readonly session: ResumableSession } & WithTerms)
  | ({ readonly expect: "certificate" } & WithTerms)
  | ({ readonly expect: "server_key_exchange"; readonly claim: ClaimedKey | undefined } & WithTerms)
  | ({ readonly expect: "certificate_request_or_done"; readonly said: ServerSaid } & WithTerms)
  | ({ readonly expect: "server_hello_done"; readonly said: ServerSaid } & WithTerms)
  | ({
      readonly expect: "peer";
      readonly said: ServerSaid;
      readonly signature: VerifiedSignature;
    } & WithTerms)
  | ({ readonly expect: "credential"; readonly said: ServerSaid; readonly identity: unknown } & WithTerms)
  | ({ readonly expect: "psk"; readonly said: ServerSaid } & WithTerms)
  | ({
      readonly expect: "signature";
      readonly credential: Credential;
      readonly scheme: SignatureScheme;
      readonly flight: readonly FlightItem[];
      readonly end: ServerEnd;
    } & WithSecret)
  | ({
      readonly expect: "new_session_ticket" | "change_cipher_spec" | "finished";
      readonly end: ServerEnd;
    } & WithSecret)
  | { readonly expect: "application_data" };
