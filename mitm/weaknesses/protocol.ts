import type { WeaknessText } from "./text.ts";

/** Rules of TLS that a peer may fail to keep. */
export const protocolWeaknesses = {
  "legacy-version-accepted": {
    what: "A version of TLS before 1.2 is gone along with.",
    remedy: "Set TLS 1.2 as the lowest version; RFC 8996 forbids TLS 1.0 and 1.1, RFC 7568 SSL 3.0.",
  },
  "ssl2-hello-accepted": {
    what: "A ClientHello in the form of SSL 2.0 is answered.",
    remedy: "Take ClientHellos in TLS records alone; no client has sent the old form for many years.",
  },
  "null-suites-accepted": {
    what: "Cipher suites are taken that do not encrypt.",
    remedy:
      "Configure a list of suites with AEAD and an ephemeral key exchange (RFC 9325 §4.2), and none else.",
  },
  "anonymous-suites-accepted": {
    what: "Cipher suites are taken in which the server does not prove who it is.",
    remedy: "Remove DH_anon and ECDH_anon from the list of suites.",
  },
  "export-suites-accepted": {
    what: "Cipher suites of 40 or 56 bits are taken.",
    remedy: "Remove export and DES suites from the list of suites.",
  },
  "broken-ciphers-accepted": {
    what: "Cipher suites with RC4 or 3DES are taken.",
    remedy: "Remove RC4 and 3DES from the list of suites.",
  },
  "static-rsa-accepted": {
    what: "Cipher suites are taken whose key exchange has no forward secrecy.",
    remedy:
      "Allow suites with ECDHE alone: whoever gets the server's key later must not read what was said today.",
  },
  "cbc-suites-accepted": {
    what: "Cipher suites with CBC are taken, which were open to padding oracles time and again.",
    remedy: "Allow suites with AEAD alone: GCM, CCM, ChaCha20-Poly1305.",
  },
  "weak-groups-accepted": {
    what: "A key is agreed on in a group of fewer than 112 bits of security.",
    remedy: "Allow x25519, secp256r1 and secp384r1.",
  },
  "compression-accepted": {
    what: "TLS compression is used, which tells secrets by the length of records.",
    remedy: "Turn off compression in the TLS library.",
  },
  "sha1-signatures-made": {
    what: "Handshakes are signed with SHA-1 or MD5 for who asks for it.",
    remedy: "Refuse a peer whose signature_algorithms have no scheme with SHA-256 or better (RFC 9155).",
  },
  "invalid-key-share": {
    what: "A public key of the peer is used without a look whether it is one: off its curve, zero, or too short.",
    remedy:
      "Let the library validate each key share before it is used, and refuse a shared secret of zeros (RFC 7748 §6.1).",
  },
  "finished-length-not-checked": {
    what: "Of verify_data in Finished as much is compared as the peer sent.",
    remedy: "Compare the length first, then all of verify_data, in constant time.",
  },
  "finished-not-required": {
    what: "A session is used before, or without, the peer's Finished.",
    remedy:
      "Let the handshake be over only when Finished was verified; drop what comes before with unexpected_message.",
  },
  "change-cipher-spec-not-required": {
    what: "In TLS 1.2 a Finished in clear is taken, without ChangeCipherSpec before it.",
    remedy: "Accept Finished under the new keys alone.",
  },
  "unexpected-messages-ignored": {
    what: "Handshake messages that have no place are passed over.",
    remedy:
      "Answer each message that the state does not await with unexpected_message, and end the handshake.",
  },
  "interleaved-records-accepted": {
    what: "Other records are taken between the pieces of a handshake message.",
    remedy: "Refuse a record of another type while a handshake message is incomplete (RFC 8446 §5.1).",
  },
  "record-boundary-not-checked": {
    what: "A handshake message is taken that began under other keys than it ended.",
    remedy: "Refuse a change of keys while bytes of a handshake message are left over (RFC 8446 §5.1).",
  },
  "empty-records-accepted": {
    what: "Handshake records without content are taken.",
    remedy: "Answer a handshake record of length 0 with unexpected_message.",
  },
  "record-overflow-accepted": {
    what: "Records are taken that are longer than the protocol allows.",
    remedy: "Check the length in the header before anything is kept, and answer with record_overflow.",
  },
  "ticket-domain-not-checked": {
    what: "A ticket of one trust domain opens a session in another.",
    remedy: "Give each listener its own session id context and its own ticket keys, or no tickets.",
  },
  "resumption-not-rechecked": {
    what: "Who comes back with a ticket is let in without a look at its certificate.",
    remedy:
      "Hold the certificate in a resumed session against expiry, revocation and the inventory, as in a full handshake; or give no tickets.",
  },
  "ticket-not-authenticated": {
    what: "A ticket that was altered is taken.",
    remedy: "Seal tickets with an AEAD, and go on with a full handshake where one does not open.",
  },
  "psk-binder-not-verified": {
    what: "The binder of a PSK is not verified: whoever saw a ticket can use it.",
    remedy: "Verify the binder before anything is made of the PSK (RFC 8446 §4.2.11).",
  },
  "resumption-changes-suite": {
    what: "A session is resumed with a cipher suite that the client does not offer.",
    remedy: "Go on with a full handshake where the suite of the session is not among those offered.",
  },
  "resumption-changes-extended-master-secret": {
    what: "A session is resumed with another use of extended_master_secret than it began with.",
    remedy: "Keep RFC 7627 §5.3: abort, or go on with a full handshake.",
  },
  "early-data-accepted": {
    what: "Early data is taken, which whoever recorded it can send again.",
    remedy: "Set max_early_data_size to 0: a CONNECT or a PUBLISH must not be replayed.",
  },
  "alpn-not-checked": {
    policy: true,
    what: "A peer that agreed on another protocol by ALPN, or on none, is spoken to all the same.",
    remedy:
      "Answer a client that offers other protocols alone with no_application_protocol; at the device, compare what the server chose with what was offered.",
  },
  "malformed-hello-accepted": {
    what: "A hello with malformed fields is gone along with.",
    remedy: "Refuse a hello whose fields cannot be what they should, as a server name that is no host name.",
  },
  renegotiates: {
    what: "A renegotiation that the peer asks for is gone along with.",
    remedy: "Turn renegotiation off: SSL_OP_NO_RENEGOTIATION, or TLS 1.3 alone.",
  },
  "renegotiation-info-not-checked": {
    what: "renegotiation_info in a hello is not held against the connection.",
    remedy: "Keep RFC 5746: in a first handshake it must be empty.",
  },
  "half-open-unbounded": {
    policy: true,
    what: "One address may have any number of handshakes under way.",
    remedy: "Limit the handshakes of each address, and refuse what comes beyond.",
  },
  "no-handshake-timeout": {
    policy: true,
    what: "A handshake may take as long as the peer likes.",
    remedy:
      "Close a connection whose handshake is not done within seconds, however often a byte of it comes.",
  },
  "flood-unbounded": {
    what: "Any number of messages that change nothing is taken, or answered.",
    remedy:
      "Count records without content, warnings and KeyUpdates, and end the session at a few dozen in a row; answer many KeyUpdates with one.",
  },
  "plaintext-accepted": {
    what: "Who speaks without TLS on the TLS port is answered.",
    remedy: "Listen for TLS alone on this port; close what does not begin with a ClientHello.",
  },
  "plaintext-after-plaintext-answer": {
    what: "A device that is answered in clear goes on in clear.",
    remedy: "Let the device speak in TLS or not at all.",
  },
  "version-fallback": {
    what: "After a failed handshake the device offers less than before.",
    remedy:
      "Offer the same versions in each attempt: whoever can break a handshake must not choose the version (RFC 7507).",
  },
  "second-hello-retry-request": {
    what: "One HelloRetryRequest after another is answered.",
    remedy: "Answer the second with unexpected_message (RFC 8446 §4.1.4).",
  },
  "session-id-echo-not-checked": {
    what: "legacy_session_id_echo of the server is not compared.",
    remedy: "Answer another value than the one sent with illegal_parameter (RFC 8446 §4.1.3).",
  },
  "unsolicited-extension": {
    what: "The server may answer with extensions that were not asked for.",
    remedy: "Answer with unsupported_extension (RFC 8446 §4.2).",
  },
  "post-handshake-request-answered": {
    what: "A CertificateRequest after the handshake is answered, though nobody offered that.",
    remedy: "Answer it with unexpected_message where post_handshake_auth was not sent (RFC 8446 §4.2.6).",
  },
  "worthless-suites-offered": {
    what: "The device offers cipher suites that protect nothing, or next to nothing.",
    remedy: "Configure a list of suites with AEAD and ECDHE alone (RFC 9325 §4.2).",
  },
  "outdated-suites-offered": {
    what: "The device offers cipher suites without forward secrecy, or with CBC.",
    remedy: "Configure a list of suites with AEAD and ECDHE alone (RFC 9325 §4.2).",
  },
  "legacy-versions-offered": {
    what: "The device offers versions before TLS 1.2.",
    remedy: "Set TLS 1.2 as the lowest version.",
  },
  "broken-signatures-offered": {
    what: "The device takes signatures with SHA-1 or MD5.",
    remedy: "Set the list of signature algorithms to those with SHA-256 and better (RFC 9155).",
  },
  "duplicate-extension": {
    what: "A hello is taken in which an extension stands twice: two readers may read two things.",
    remedy: "Answer with illegal_parameter.",
  },
} as const satisfies Record<string, WeaknessText>;
