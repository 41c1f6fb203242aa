import { describe, expect, test } from "vitest";
import { DtlsError, type DtlsErrorCode } from "../../../../dtls/index.ts";
import { dtlsErrorFor, dtlsRefusal, whyEnded, whyRefused } from "../../../../gateway/dtls/refusals.ts";
import { type RefusalReason, refusal, refusalReasons } from "../../../../gateway/errors.ts";
import { PkiError } from "../../../../pki/index.ts";

describe("a refusal as the alert that the peer gets (RFC 5246 §7.2.2)", () => {
  test.each([
    ["certificate_revoked", "certificate_revoked"],
    ["certificate_expired", "certificate_expired"],
    ["certificate_not_yet_valid", "certificate_expired"],
    ["unknown_issuer", "unknown_ca"],
    ["certificate_self_signed", "unknown_ca"],
    ["bad_signature", "bad_certificate"],
    ["certificate_malformed", "bad_certificate"],
    ["identity_malformed", "bad_certificate"],
    ["wrong_extended_key_usage", "unsupported_certificate"],
    ["weak_algorithm", "unsupported_certificate"],
    ["certificate_unknown", "access_denied"],
    ["certificate_identity_differs", "access_denied"],
    ["device_unknown", "access_denied"],
    ["device_inactive", "access_denied"],
    ["wrong_trust_domain", "access_denied"],
    ["crl_missing", "certificate_unknown"],
    ["certificate_refused", "certificate_unknown"],
  ] satisfies [RefusalReason, string][])("%s is answered by %s", (reason, alert) => {
    expect(dtlsRefusal(refusal(reason)).alert).toBe(alert);
    expect(dtlsErrorFor({ reason, detail: "x" }).alert).toBe(alert);
  });

  test("every reason has an alert: nobody who is refused is left without a word", () => {
    const reasons = Object.keys(refusalReasons).filter(isReason);
    expect(reasons.length).toBeGreaterThan(60);
    for (const reason of reasons) {
      expect(dtlsErrorFor({ reason, detail: "x" }).alert, reason).toBeTypeOf("string");
    }
  });

  test("what pki/ says, and what nobody foresaw, refuses too", () => {
    expect(dtlsRefusal(new PkiError("PKI_PATH_REVOKED", "x")).alert).toBe("certificate_revoked");
    expect(dtlsRefusal(new TypeError("a bug")).alert).toBe("certificate_unknown");
  });
});

describe("the reason of an event", () => {
  test("our own refusal comes back as it was made", () => {
    const error = dtlsRefusal(refusal("device_inactive", "device d1 is retired"));
    expect(whyRefused(error)).toEqual({ reason: "device_inactive", detail: "device d1 is retired" });
  });

  test.each([
    ["DTLS_NO_CERTIFICATE", "no_certificate"],
    ["DTLS_BAD_SIGNATURE", "bad_proof_of_possession"],
    ["DTLS_NO_COMMON_SUITE", "tls_no_shared_cipher"],
    ["DTLS_PROTOCOL_VERSION", "tls_version"],
    ["DTLS_NO_EXTENDED_MASTER_SECRET", "no_extended_master_secret"],
    ["DTLS_HANDSHAKE_TIMEOUT", "handshake_timeout"],
    ["DTLS_PEER_ALERT", "peer_alert"],
    ["DTLS_DECODE_ERROR", "handshake_failed"],
    ["DTLS_BAD_FINISHED", "handshake_failed"],
  ] satisfies [DtlsErrorCode, RefusalReason][])("%s of a handshake is %s", (code, reason) => {
    expect(whyRefused(new DtlsError(code, "so it was"))).toEqual({
      reason,
      detail: `so it was (${code})`,
    });
  });

  test.each([
    ["DTLS_IDLE", "session_idle"],
    ["DTLS_EVICTED", "session_displaced"],
    ["DTLS_PEER_GONE", "taken_over"],
    ["DTLS_SEQUENCE_EXHAUSTED", "keys_exhausted"],
    ["DTLS_CERTIFICATE_EXPIRED", "certificate_expired"],
    ["DTLS_PEER_ALERT", "peer_alert"],
    ["DTLS_CLOSED", "connection_lost"],
  ] satisfies [DtlsErrorCode, RefusalReason][])("%s of a session is %s", (code, reason) => {
    expect(whyEnded(new DtlsError(code, "x")).reason).toBe(reason);
  });

  test("close_notify is the peer's goodbye (RFC 5246 §7.2.1)", () => {
    expect(whyEnded(undefined)).toEqual({ reason: "client_disconnect", detail: "" });
  });
});

function isReason(text: string): text is RefusalReason {
  return Object.hasOwn(refusalReasons, text);
}
