import { expect, test } from "vitest";
import { handshakeRefusal, sessionIdContext } from "../../../gateway/tls.ts";
import { mint, rootRecipe } from "../../support/minted-pki.ts";

test("P-09: sessions belong to their trust anchors, in whatever order these are given", async () => {
  const [a, b] = [(await mint(rootRecipe())).certificate, (await mint(rootRecipe())).certificate];
  expect(sessionIdContext([a, b])).toBe(sessionIdContext([b, a]));
  expect(new Set([sessionIdContext([a]), sessionIdContext([b]), sessionIdContext([a, b])]).size).toBe(3);
  // SSL_MAX_SID_CTX_LENGTH
  expect(sessionIdContext([a]).length).toBeLessThanOrEqual(32);
});

test.each([
  ["ERR_TLS_HANDSHAKE_TIMEOUT", "handshake_timeout"],
  ["ERR_SSL_NO_APPLICATION_PROTOCOL", "tls_no_application_protocol"],
  ["ERR_SSL_UNSUPPORTED_PROTOCOL", "tls_version"],
  ["ERR_SSL_NO_SHARED_CIPHER", "tls_no_shared_cipher"],
  ["ERR_SSL_HTTP_REQUEST", "not_tls"],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "peer_alert"],
  ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "peer_alert"],
  ["ERR_SSL_BAD_SIGNATURE", "bad_proof_of_possession"],
  ["ECONNRESET", "handshake_aborted"],
  ["ERR_SSL_ANYTHING_ELSE", "handshake_failed"],
])("%s in a handshake is %s", (code, reason) => {
  const error = Object.assign(new Error("0123:error:text:file.c:7"), { code });
  expect(handshakeRefusal(error)).toEqual({ reason, detail: code });
});
