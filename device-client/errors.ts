/**
 * Every failure this folder reports, and whether trying again soon can help.
 *
 * `soon`: the network or the gateway may be back in a moment, ordinary back-off.
 * `slowly`: nothing changes until a person acts (or an attacker leaves), so a session retries at its longest
 * delay only. It does not stop: a device in the field must come back by itself once the cause is removed.
 * `never`: the caller's mistake or the end of the session.
 */
const retryFor = {
  /** The host cannot be reached: no route, refused, reset, no such name. */
  DEVICE_UNREACHABLE: "soon",
  /** The way to a session (TCP, TLS and CONNACK, or the DTLS handshake) took longer than `connectTimeoutMs`. */
  DEVICE_TIMEOUT: "soon",
  /** An accepted session lost its connection. */
  DEVICE_CONNECTION_LOST: "soon",
  /** The TLS or DTLS handshake itself failed: no common version, suite or group, or an alert. */
  DEVICE_TLS_FAILED: "slowly",
  /** The gateway's chain does not lead to the identity's trust anchors (`cause` is the PkiError with the rule), or it could not prove its key. */
  DEVICE_GATEWAY_UNTRUSTED: "slowly",
  /** The chain is good, but for another host. */
  DEVICE_GATEWAY_NAME_MISMATCH: "slowly",
  /** The chain and the name are good, and none of the pinned keys is in the chain. */
  DEVICE_PIN_MISMATCH: "slowly",
  /** The gateway refused this device: an alert, CONNACK with a return code, or a close before any CONNACK. */
  DEVICE_REFUSED: "slowly",
  /** The gateway sent what MQTT 3.1.1 forbids, or more than the limits allow. */
  DEVICE_PROTOCOL_ERROR: "soon",
  /** SUBACK with return code 128. */
  DEVICE_SUBSCRIBE_REFUSED: "never",
  /** The queue of unsettled messages (or of subscriptions) is at its limit, or this message was dropped for a newer one. */
  DEVICE_QUEUE_FULL: "never",
  /** The message is larger than one datagram of this session takes. */
  DEVICE_MESSAGE_SIZE: "never",
  /** `close()` was called. */
  DEVICE_CLOSED: "never",
  /** An identity file cannot be read, or is not PEM; `cause` says more. */
  DEVICE_IDENTITY_UNREADABLE: "never",
  /** The private key does not belong to the certificate. */
  DEVICE_IDENTITY_KEY_MISMATCH: "never",
  /** The certificate does not name a device or operator (RFC 5280 §4.2.1.6, subjectAltName). */
  DEVICE_IDENTITY_MALFORMED: "never",
  /** The device's own certificate is past its notAfter. */
  DEVICE_IDENTITY_EXPIRED: "never",
  /** The device's own certificate is before its notBefore: the device's clock may be wrong. */
  DEVICE_IDENTITY_NOT_YET_VALID: "never",
  /** The new identity names another device than the one it is to replace. */
  DEVICE_IDENTITY_OTHER_DEVICE: "never",
  /** A change of identity is already under way. */
  DEVICE_IDENTITY_BUSY: "never",
  /** The signer keeps its key to itself: MQTT over TLS (node:tls) cannot call out to it, and it cannot be written to disk; or DTLS knows no key of its kind. */
  DEVICE_SIGNER_UNSUPPORTED: "never",
} as const satisfies Record<string, "soon" | "slowly" | "never">;

export type DeviceErrorCode = keyof typeof retryFor;

/** All codes, for documentation and for the test that holds it to this table. */
export const deviceErrorCodes: readonly DeviceErrorCode[] = Object.keys(retryFor).filter(isDeviceErrorCode);

export interface DeviceErrorOptions extends ErrorOptions {
  /** The CONNACK or SUBACK return code, where the gateway gave one. */
  readonly returnCode?: number;
}

/** A failure of the device client. Match on `code`; `cause` has the underlying error, where there is one. */
export class DeviceError extends Error {
  override readonly name = "DeviceError";
  readonly code: DeviceErrorCode;
  readonly returnCode: number | undefined;

  constructor(code: DeviceErrorCode, message: string, options?: DeviceErrorOptions) {
    super(message, options);
    this.code = code;
    this.returnCode = options?.returnCode;
  }

  /** Whether a session tries again `soon`, `slowly` or `never` after this. */
  get retry(): "soon" | "slowly" | "never" {
    // CONNACK 3 is "server unavailable", and a close without a CONNACK may be a gateway that is just stopping.
    const passing = this.returnCode === undefined || this.returnCode === 3;
    return this.code === "DEVICE_REFUSED" && passing ? "soon" : retryFor[this.code];
  }
}

function isDeviceErrorCode(code: string): code is DeviceErrorCode {
  return Object.hasOwn(retryFor, code);
}

/** One side did not accept the other, as against not reaching it. */
export function isRefusal(error: DeviceError): boolean {
  return refusals.has(error.code);
}

const refusals: ReadonlySet<DeviceErrorCode> = new Set<DeviceErrorCode>([
  "DEVICE_REFUSED",
  "DEVICE_GATEWAY_UNTRUSTED",
  "DEVICE_GATEWAY_NAME_MISMATCH",
  "DEVICE_PIN_MISMATCH",
  "DEVICE_TLS_FAILED",
]);

export function closedError(): DeviceError {
  return new DeviceError("DEVICE_CLOSED", "the session was closed");
}

/** The text of anything that was thrown. */
export function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of an error of Node or of pki, or undefined. */
export function codeOf(thrown: unknown): string | undefined {
  const code: unknown = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** What was thrown as an Error, to reject with. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
