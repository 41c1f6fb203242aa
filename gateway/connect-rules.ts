import { isValidIdentityName } from "../pki/index.ts";
import type { Rights } from "./access.ts";
import { type GatewayError, refusal } from "./errors.ts";
import type { DeviceIdentity } from "./identity.ts";
import type { Limits } from "./limits.ts";
import { connectReturnCode } from "./mqtt/packet.ts";

/** The parts of a CONNECT that the rules look at. */
export interface ConnectRequest {
  readonly clientId: string;
  readonly keepalive?: number | undefined;
  readonly username?: string | undefined;
  readonly will?:
    | { readonly topic: string; readonly payload: string | Uint8Array; readonly retain?: boolean | undefined }
    | undefined;
}

export interface ConnectRefusal {
  readonly error: GatewayError;
  /** MQTT 3.1.1 §3.2.2.3 */
  readonly returnCode: number;
}

/** Client ids are keys of maps, parts of events and file rows: short, and of plain characters. */
const clientIdForm = /^[A-Za-z0-9._:/-]{1,128}$/;

/**
 * Judges a CONNECT against the identity of the certificate. It comes before anything else is done with the
 * client id: a session or a queue of another device must not even be touched by a refused attempt.
 */
export function judgeConnect(
  request: ConnectRequest,
  identity: DeviceIdentity,
  rights: Rights,
  limits: Limits,
): ConnectRefusal | undefined {
  const { identifierRejected, badUserNameOrPassword, notAuthorized, serverUnavailable } = connectReturnCode;
  const { clientId, will } = request;

  if (clientId === "") return refuse(refusal("client_id_empty"), identifierRejected);
  // The first level is the device's id, and names that every object inherits are no ids.
  if (!clientIdForm.test(clientId) || !isValidIdentityName(clientId.split("/", 1)[0] ?? "")) {
    return refuse(refusal("client_id_malformed"), identifierRejected);
  }
  if (clientId !== identity.id && !clientId.startsWith(`${identity.id}/`)) {
    return refuse(
      refusal("client_id_mismatch", `the certificate is for ${identity.id}, the client id is ${clientId}`),
      identifierRejected,
    );
  }
  if (request.username !== undefined && request.username !== identity.id) {
    return refuse(refusal("username_mismatch"), badUserNameOrPassword);
  }
  const longest = limits.maximumKeepaliveSeconds;
  if (longest > 0 && ((request.keepalive ?? 0) === 0 || (request.keepalive ?? 0) > longest)) {
    return refuse(refusal("keepalive_refused", `at most ${longest} s, and not 0`), serverUnavailable);
  }
  if (will === undefined) return undefined;
  if (Buffer.byteLength(will.payload) > limits.willBytes)
    return refuse(refusal("will_too_large"), notAuthorized);
  if (!rights.mayPublish(will.topic)) {
    return refuse(refusal("will_refused", "the will's topic is not allowed"), notAuthorized);
  }
  if (will.retain === true && !rights.mayRetain) {
    return refuse(refusal("will_refused", "the will may not be retained"), notAuthorized);
  }
  return undefined;
}

function refuse(error: GatewayError, returnCode: number): ConnectRefusal {
  return { error, returnCode };
}
