import type { Address, ClientSettings, Environment } from "../association/settings.ts";
import { onChangeCipherSpec, onFinished, onNewSessionTicket } from "./client-finish.ts";
import { onResumedPeer, onServerHello, onStart } from "./client-hello.ts";
import {
  onCertificate,
  onCertificateRequestOrDone,
  onCredential,
  onPeer,
  onPsk,
  onServerHelloDone,
  onServerKeyExchange,
  onSignature,
} from "./client-proof.ts";
import type { ClientState } from "./client-state.ts";
import { type Input, type Step, unexpected } from "./step.ts";

export interface ClientContext {
  readonly settings: ClientSettings;
  readonly environment: Environment;
  /** Where the server is. */
  readonly address: Address;
}

export const firstClientState: ClientState = { expect: "start" };

/**
 * One input in, the next state and what to do about it out. It changes nothing: no clock, no socket; randomness
 * and key shares come from the context.
 * @throws DtlsError when the handshake has failed; its alert is what the server is told
 */
export function stepClient(state: ClientState, input: Input, context: ClientContext): Step<ClientState> {
  switch (state.expect) {
    case "start":
      return onStart(input, context);
    case "hello_verify_request_or_server_hello":
      return onServerHello(state, input, context);
    case "resumed_peer":
      return onResumedPeer(state, input);
    case "certificate":
      return onCertificate(state, input);
    case "server_key_exchange":
      return onServerKeyExchange(state, input, context);
    case "certificate_request_or_done":
      return onCertificateRequestOrDone(state, input, context);
    case "server_hello_done":
      return onServerHelloDone(state, input, context);
    case "peer":
      return onPeer(state, input, context);
    case "credential":
      return onCredential(state, input, context);
    case "psk":
      return onPsk(state, input, context);
    case "signature":
      return onSignature(state, input);
    case "new_session_ticket":
      return onNewSessionTicket(state, input);
    case "change_cipher_spec":
      return onChangeCipherSpec(state, input);
    case "finished":
      return onFinished(state, input, context);
    case "application_data":
      throw unexpected(input, "application data");
  }
}
