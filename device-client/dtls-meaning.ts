import { DtlsError, type DtlsErrorCode } from "../dtls/index.ts";
import { codeOf, DeviceError, type DeviceErrorCode, textOf } from "./errors.ts";

/** Alerts by which a server rejects what a client proves itself by (RFC 5246 §7.2.2, RFC 4279 §2). */
const refusingAlerts: ReadonlySet<string> = new Set([
  "bad_certificate",
  "unsupported_certificate",
  "certificate_revoked",
  "certificate_expired",
  "certificate_unknown",
  "unknown_ca",
  "access_denied",
  "decrypt_error",
  "unknown_psk_identity",
]);

/** What our own stack found wrong. What is not here is a handshake that failed. */
const meanings: Partial<Record<DtlsErrorCode, DeviceErrorCode>> = {
  DTLS_UNREACHABLE: "DEVICE_UNREACHABLE",
  DTLS_HANDSHAKE_TIMEOUT: "DEVICE_TIMEOUT",
  DTLS_NO_CERTIFICATE: "DEVICE_GATEWAY_UNTRUSTED",
  DTLS_BAD_CERTIFICATE: "DEVICE_GATEWAY_UNTRUSTED",
  DTLS_UNSUPPORTED_CERTIFICATE: "DEVICE_GATEWAY_UNTRUSTED",
  DTLS_BAD_SIGNATURE: "DEVICE_GATEWAY_UNTRUSTED",
  DTLS_PSK_MISMATCH: "DEVICE_GATEWAY_UNTRUSTED",
  DTLS_BAD_FINISHED: "DEVICE_GATEWAY_UNTRUSTED",
};

/** What a failed handshake means. Our own refusals come back as they were made. */
export function dtlsDialError(
  error: unknown,
  gateway: { readonly host: string; readonly port: number },
): DeviceError {
  if (error instanceof DeviceError) return error;
  if (error instanceof Error && error.cause instanceof DeviceError) return error.cause;
  const where = `${gateway.host}:${gateway.port}`;
  if (!(error instanceof DtlsError)) return failed(where, error);
  if (isRefusing(error)) return refusedByAlert(error);
  const code = meanings[error.code];
  if (code === undefined) return failed(where, error);
  return new DeviceError(code, `no DTLS session with ${where}: ${error.message}`, { cause: error });
}

/** What the end of an established session means, where it was not ours to end. */
export function dtlsEndError(error: DtlsError | undefined): DeviceError {
  if (error !== undefined && isRefusing(error)) return refusedByAlert(error);
  const why = error === undefined ? "the gateway closed the session" : `the session ended: ${error.message}`;
  return new DeviceError("DEVICE_CONNECTION_LOST", why, { cause: error });
}

/** This device's refusal of the gateway, as the error that our stack answers with the fitting alert. */
export function dtlsRefusalOf(error: Error): DtlsError {
  return new DtlsError(alertFor(error), error.message, { cause: error });
}

/**
 * One alert for all of them: told apart, they would say to anybody on the path which CAs this device knows. (A signature
 * is looked at only where its issuer's name is known.)
 */
const leadsNowhere: ReadonlySet<string> = new Set([
  "PKI_PATH_UNKNOWN_ISSUER",
  "PKI_PATH_SELF_SIGNED",
  "PKI_PATH_BAD_SIGNATURE",
  "PKI_PATH_WEAK_ALGORITHM",
]);

/** RFC 5246 §7.2.2. */
function alertFor(error: Error): DtlsErrorCode {
  const rule = codeOf(error.cause);
  if (rule === "PKI_PATH_REVOKED") return "DTLS_CERTIFICATE_REVOKED";
  if (rule === "PKI_PATH_EXPIRED" || rule === "PKI_PATH_NOT_YET_VALID") return "DTLS_CERTIFICATE_EXPIRED";
  if (rule !== undefined && leadsNowhere.has(rule)) return "DTLS_UNKNOWN_CA";
  return codeOf(error) === "DEVICE_GATEWAY_UNTRUSTED" ? "DTLS_BAD_CERTIFICATE" : "DTLS_CERTIFICATE_UNKNOWN";
}

function isRefusing(error: DtlsError): boolean {
  return error.code === "DTLS_PEER_ALERT" && refusingAlerts.has(error.peerAlert ?? "");
}

function refusedByAlert(error: DtlsError): DeviceError {
  return new DeviceError(
    "DEVICE_REFUSED",
    `the gateway rejected this device (${error.peerAlert}); its events name the reason`,
    { cause: error },
  );
}

function failed(where: string, error: unknown): DeviceError {
  return new DeviceError("DEVICE_TLS_FAILED", `DTLS with ${where} failed: ${textOf(error)}`, {
    cause: error,
  });
}
