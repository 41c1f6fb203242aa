/**
 * The rules that a strict end holds its peer to, by the name of the weakness that it is not to. An end leaves out those
 * that its `tolerates` names, and goes along with what the peer does then.
 */
export const tlsRules = {
  // --- records ---
  "record-mac-not-verified": "A record is taken though its authentication tag does not fit.",
  "record-sequence-not-checked": "A record is taken again, too late or too early.",
  "record-overflow-accepted": "A record is taken that is longer than RFC 8446 §5.2 allows.",
  "unprotected-records-accepted": "A record in clear is taken after keys are in use.",
  "unprotected-alerts-accepted": "An alert in clear is taken after keys are in use.",
  "empty-records-accepted": "Handshake or alert records without content are taken.",
  "interleaved-records-accepted": "Other records are taken between the pieces of a handshake message.",
  "record-boundary-not-checked": "A handshake message is taken that began under other keys than it ended.",
  // --- order of messages ---
  "early-change-cipher-spec": "ChangeCipherSpec is taken where it has no place.",
  "change-cipher-spec-not-required": "TLS 1.2: Finished is taken without a ChangeCipherSpec, in clear.",
  "application-data-before-finished": "Application data is delivered before the peer's Finished.",
  "duplicate-messages-accepted": "A handshake message is taken a second time.",
  "unexpected-messages-ignored": "A handshake message that has no place here is passed over.",
  "certificate-message-not-required": "A handshake goes on without a Certificate message of the peer.",
  "client-certificate-not-required": "A client is let in that answers with an empty Certificate.",
  "certificate-verify-not-required": "A certificate is believed without a CertificateVerify.",
  "server-key-exchange-not-required": "TLS 1.2: a server is believed without a ServerKeyExchange.",
  "compressed-certificate-accepted": "TLS 1.3: a compressed certificate is taken that was not offered to be.",
  "second-certificate-accepted": "A further Certificate replaces the identity that was proved.",
  "finished-not-required": "A session is open without the peer's Finished.",
  // --- proofs ---
  "certificate-verify-not-verified": "The signature of CertificateVerify is not verified.",
  "certificate-verify-context-not-checked":
    "TLS 1.3: a signature with the other side's context string is taken.",
  "server-key-exchange-not-verified": "TLS 1.2: the signature of ServerKeyExchange is not verified.",
  "unoffered-signature-scheme": "A signature is taken in a scheme that was not offered, or is not allowed.",
  "finished-not-verified": "verify_data of Finished is not compared.",
  "finished-length-not-checked": "As much of verify_data is compared as was sent.",
  // --- negotiation ---
  "legacy-version-accepted": "A version before TLS 1.2 is gone along with.",
  "downgrade-sentinel-ignored": "The server's sign of a downgrade in ServerHello.random is not looked at.",
  "unoffered-cipher-suite": "A cipher suite is taken that was not offered.",
  "null-suites-accepted": "A server goes along with suites without encryption.",
  "anonymous-suites-accepted": "A server goes along with suites in which it proves nothing.",
  "export-suites-accepted": "A server goes along with suites of 40 and 56 bits.",
  "broken-ciphers-accepted": "A server goes along with RC4 and 3DES.",
  "static-rsa-accepted": "A server goes along with suites without forward secrecy.",
  "cbc-suites-accepted": "A server goes along with CBC suites.",
  "weak-groups-accepted": "A server goes along with groups that are too small.",
  "sha1-signatures-made": "A server signs with SHA-1 for a client that takes nothing better.",
  "ssl2-hello-accepted": "A ClientHello in the form of SSL 2.0 is answered.",
  "unoffered-group": "A group is taken that was not offered.",
  "invalid-key-share": "A public key is taken that is no key of its group.",
  "compression-accepted": "A compression method other than null is taken.",
  "session-id-echo-not-checked": "TLS 1.3: the server's legacy_session_id_echo is not compared.",
  "unsolicited-extension": "An extension is taken that was not asked for.",
  "duplicate-extension": "An extension that stands twice is taken.",
  "pre-shared-key-not-last": "pre_shared_key is taken where it is not the last extension.",
  "second-hello-retry-request": "A second HelloRetryRequest is answered.",
  "changed-second-hello": "A hello is taken that changed after a HelloRetryRequest.",
  "fallback-signal-ignored":
    "A client says that it offers less than it can, and a server that can do more goes along.",
  "certificate-context-not-checked": "TLS 1.3: a Certificate is taken that answers another request.",
  "extended-master-secret-not-required": "TLS 1.2 without extended_master_secret is gone along with.",
  "alpn-not-checked": "A protocol is spoken that was not agreed on by ALPN.",
  "alpn-not-required": "A client without ALPN is taken where the server has a list.",
  "server-name-not-checked": "A server answers for names that are not its own.",
  "malformed-hello-accepted": "A hello with fields that are malformed is taken.",
  // --- resumption ---
  "ticket-not-authenticated": "A ticket that was altered is taken.",
  "ticket-lifetime-not-checked": "A ticket is taken after its lifetime.",
  "ticket-domain-not-checked": "A ticket of another trust domain is taken.",
  "ticket-server-name-not-checked": "A ticket is taken under another server name.",
  "psk-binder-not-verified": "TLS 1.3: the binder of a PSK is not verified.",
  "resumption-not-rechecked": "A resumed peer's certificate is not judged again.",
  "resumption-changes-extended-master-secret":
    "A session is resumed with another use of extended_master_secret.",
  "resumption-changes-suite": "A session is resumed with another hash or cipher suite.",
  "early-data-accepted": "Early data is delivered.",
  // --- after the handshake ---
  renegotiates: "TLS 1.2: a renegotiation that the peer starts is gone along with.",
  "renegotiation-info-not-checked": "renegotiation_info is not held against the connection's Finished.",
  "renegotiation-changes-certificate": "Another certificate is taken in a renegotiation.",
  "post-handshake-certificate-accepted":
    "TLS 1.3: a Certificate that was not asked for is taken after the handshake.",
  "post-handshake-request-answered":
    "TLS 1.3: a CertificateRequest after the handshake is answered, though post_handshake_auth was not offered.",
  // --- bounds ---
  "handshake-size-unbounded": "Handshake messages of any length are collected.",
  "flood-unbounded": "Any number of messages that change nothing is taken.",
  "no-handshake-timeout": "A handshake may take as long as the peer likes.",
} as const satisfies Record<string, string>;

export type TlsRule = keyof typeof tlsRules;

/** To go along would show an attacker what is not there: garbage for text. */
const neverLenient: ReadonlySet<TlsRule> = new Set<TlsRule>([
  "record-mac-not-verified",
  "record-sequence-not-checked",
  "unprotected-records-accepted",
  "finished-not-required",
  "no-handshake-timeout",
  "invalid-key-share",
  "null-suites-accepted",
  "anonymous-suites-accepted",
  "export-suites-accepted",
  "broken-ciphers-accepted",
  "static-rsa-accepted",
  "cbc-suites-accepted",
  "weak-groups-accepted",
  "sha1-signatures-made",
  "ssl2-hello-accepted",
  "compression-accepted",
  "legacy-version-accepted",
]);

/** Whether an end with this set keeps the rule. */
export function holdsRule(tolerates: ReadonlySet<string> | "everything", rule: TlsRule): boolean {
  return tolerates === "everything" ? neverLenient.has(rule) : !tolerates.has(rule);
}
