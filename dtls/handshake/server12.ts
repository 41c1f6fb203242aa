import type { Address, Environment, ServerSettings } from "../association/settings.ts";
import { onClientHello, onCredential, onResumedPeer, onSession, onSignature } from "./server-hello.ts";
import {
  onCertificate,
  onCertificateVerify,
  onChangeCipherSpec,
  onClientKeyExchange,
  onFinished,
  onPeer,
  onPsk,
  onTicket,
} from "./server-proof.ts";
import type { ServerState } from "./server-state.ts";
import { type Input, type Step, unexpected } from "./step.ts";
import { Transcript } from "./transcript.ts";

export interface ServerContext {
  readonly settings: ServerSettings;
  readonly environment: Environment;
  /** Where the client is. */
  readonly address: Address;
}

/** `sendSeq` is the message_seq of the ClientHello that brought the cookie (RFC 6347 §4.2.2). */
export function firstServerState(sendSeq: number): ServerState {
  return { expect: "client_hello", transcript: Transcript.empty, sendSeq };
}

/**
 * One input in, the next state and what to do about it out. It changes nothing: no clock, no socket; randomness
 * and key shares come from the context.
 * @throws DtlsError when the handshake has failed; its alert is what the client is told
 */
export function stepServer(state: ServerState, input: Input, context: ServerContext): Step<ServerState> {
  switch (state.expect) {
    case "client_hello":
      return onClientHello(state, input, context);
    case "session":
      return onSession(state, input, context);
    case "resumed_peer":
      return onResumedPeer(state, input, context);
    case "credential":
      return onCredential(state, input, context);
    case "signature":
      return onSignature(state, input, context);
    case "certificate":
      return onCertificate(state, input, context);
    case "client_key_exchange":
      return onClientKeyExchange(state, input, context);
    case "psk":
      return onPsk(state, input, context);
    case "certificate_verify":
      return onCertificateVerify(state, input, context);
    case "change_cipher_spec":
      return onChangeCipherSpec(state, input);
    case "finished":
      return onFinished(state, input, context);
    case "peer":
      return onPeer(state, input, context);
    case "ticket":
      return onTicket(state, input, context);
    case "application_data":
      throw unexpected(input, "application data");
  }
}
