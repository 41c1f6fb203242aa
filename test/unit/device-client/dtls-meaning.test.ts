import { describe, expect, test } from "vitest";
import { dtlsDialError, dtlsEndError, dtlsRefusalOf } from "../../../device-client/dtls-meaning.ts";
import { DeviceError, type DeviceErrorCode } from "../../../device-client/index.ts";
import { DtlsError, type DtlsErrorCode } from "../../../dtls/index.ts";
import { PkiError, type PkiErrorCode } from "../../../pki/index.ts";

const gateway = { host: "gw.test", port: 5684 };
const alerted = (peerAlert: string) =>
  new DtlsError("DTLS_PEER_ALERT", `the peer says ${peerAlert}`, { peerAlert });

describe("what a failed handshake means", () => {
  test.each([
    ["DTLS_UNREACHABLE", "DEVICE_UNREACHABLE"],
    ["DTLS_HANDSHAKE_TIMEOUT", "DEVICE_TIMEOUT"],
    ["DTLS_BAD_SIGNATURE", "DEVICE_GATEWAY_UNTRUSTED"],
    ["DTLS_BAD_CERTIFICATE", "DEVICE_GATEWAY_UNTRUSTED"],
    ["DTLS_PSK_MISMATCH", "DEVICE_GATEWAY_UNTRUSTED"],
    ["DTLS_NO_COMMON_SUITE", "DEVICE_TLS_FAILED"],
    ["DTLS_DECODE_ERROR", "DEVICE_TLS_FAILED"],
    ["DTLS_INTERNAL_ERROR", "DEVICE_TLS_FAILED"],
  ] satisfies [DtlsErrorCode, DeviceErrorCode][])("%s is %s", (code, meaning) => {
    const cause = new DtlsError(code, "so it was");
    const error = dtlsDialError(cause, gateway);
    expect([error.code, error.cause]).toEqual([meaning, cause]);
    expect(error.message).toContain("gw.test:5684");
  });

  test.each([
    "bad_certificate",
    "unsupported_certificate",
    "certificate_revoked",
    "certificate_expired",
    "certificate_unknown",
    "unknown_ca",
    "access_denied",
    "decrypt_error",
    "unknown_psk_identity",
  ])("the alert %s refuses this device", (alert) => {
    const error = dtlsDialError(alerted(alert), gateway);
    expect(error.code).toBe("DEVICE_REFUSED");
    expect(error.message).toContain(alert);
  });

  test.each(["handshake_failure", "protocol_version", "internal_error"])(
    "the alert %s says nothing about it",
    (alert) => expect(dtlsDialError(alerted(alert), gateway).code).toBe("DEVICE_TLS_FAILED"),
  );

  test("this device's own refusal comes back as it was made", () => {
    const mine = new DeviceError("DEVICE_PIN_MISMATCH", "another key");
    expect(dtlsDialError(dtlsRefusalOf(mine), gateway)).toBe(mine);
  });
});

describe("what the end of a session means", () => {
  test("the gateway's goodbye is a lost connection, which is begun again soon", () => {
    const error = dtlsEndError(undefined);
    expect([error.code, error.retry]).toEqual(["DEVICE_CONNECTION_LOST", "soon"]);
  });

  test("a revocation is a refusal", () => {
    expect(dtlsEndError(alerted("certificate_revoked")).code).toBe("DEVICE_REFUSED");
  });
});

describe("the alert for a refused gateway (RFC 5246 §7.2.2)", () => {
  test.each([
    ["PKI_PATH_REVOKED", "certificate_revoked"],
    ["PKI_PATH_EXPIRED", "certificate_expired"],
    ["PKI_PATH_NOT_YET_VALID", "certificate_expired"],
    ["PKI_PATH_UNKNOWN_ISSUER", "unknown_ca"],
    ["PKI_PATH_SELF_SIGNED", "unknown_ca"],
    ["PKI_PATH_BAD_SIGNATURE", "unknown_ca"],
    ["PKI_PATH_WEAK_ALGORITHM", "unknown_ca"],
    ["PKI_PATH_EXTENDED_KEY_USAGE", "bad_certificate"],
  ] satisfies [PkiErrorCode, string][])("%s is answered by %s", (rule, alert) => {
    const error = new DeviceError("DEVICE_GATEWAY_UNTRUSTED", "x", { cause: new PkiError(rule, "x") });
    expect(dtlsRefusalOf(error).alert).toBe(alert);
  });

  test.each(["DEVICE_PIN_MISMATCH", "DEVICE_GATEWAY_NAME_MISMATCH"] as const)(
    "%s is answered by certificate_unknown: the certificate is good, and not for this",
    (code) => expect(dtlsRefusalOf(new DeviceError(code, "x")).alert).toBe("certificate_unknown"),
  );
});
