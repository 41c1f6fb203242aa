import type { WeaknessText } from "./text.ts";

/** What two ends may fail to notice of the path between them. */
export const pathWeaknesses = {
  // --- hellos ---
  "transcript-not-verified": {
    what: "The two ends open a session although somebody changed their hellos on the way.",
    remedy:
      "Compare Finished, verify CertificateVerify, and require extended_master_secret or TLS 1.3: they bind every message of the handshake.",
  },
  "plaintext-before-handshake-skipped": {
    what: "Bytes in clear before the handshake are passed over, so that somebody on the path can put words before it.",
    remedy:
      "Close a connection whose first bytes are no TLS record; keep no buffer from before the handshake.",
  },
  "handshake-failure-is-final": {
    what: "A device that was disturbed in one handshake does not try again.",
    remedy:
      "Begin again after any failure, with growing pauses; a failed handshake must leave no state behind.",
  },
  "fleet-member-taken-for-gateway": {
    what: "The device takes any certificate of its own CA for the gateway's, a device's too.",
    remedy:
      "Require id-kp-serverAuth and the gateway's name in the certificate; a trusted issuer alone says nothing about the role.",
  },
  "downgrade-sentinel-ignored": {
    what: "A device that knows TLS 1.3 does not look at the sign of a downgrade in ServerHello.random.",
    remedy: "Abort with illegal_parameter where the random ends in DOWNGRD (RFC 8446 §4.1.3).",
  },
  // --- streams ---
  "record-sequence-not-checked": {
    what: "A record is taken that was there before, or that comes before its turn.",
    remedy: "Open each record under the next sequence number of its direction, and no other.",
  },
  "unprotected-records-accepted": {
    what: "Records in clear are taken after keys are in use.",
    remedy: "Once a direction has keys, treat everything that comes on it as protected by them.",
  },
  "truncation-unnoticed": {
    what: "What had arrived of a message when the connection was cut is taken for the whole message.",
    remedy:
      "Frame messages with their length, and use nothing of one that did not arrive whole (RFC 8446 §6.1: close_notify).",
  },
  // --- datagrams ---
  "replay-window-missing": {
    what: "A record that was received before is taken again.",
    remedy:
      "Keep the sliding window of RFC 6347 §4.1.2.6 for each epoch, and move it only after the MAC was verified.",
  },
  "plaintext-handshake-obeyed": {
    what: "A handshake message or ChangeCipherSpec in clear, from anybody, disturbs a session that is open.",
    remedy:
      "Drop records of epoch 0 once the handshake is over (RFC 6347 §4.1), but for a ClientHello that is answered without state.",
  },
  "no-retransmission": {
    what: "A flight of the handshake that was lost is not sent again.",
    remedy: "Send the last flight again after a time that doubles (RFC 6347 §4.2.4), at both ends.",
  },
  "retransmits-without-backoff": {
    what: "A flight is sent again and again at the same pace, however long nothing is heard.",
    remedy: "Double the time before each retransmission (RFC 6347 §4.2.4.1), and give up in the end.",
  },
  "fragments-not-reassembled": {
    what: "Handshake messages that arrive in overlapping pieces, or out of order, are not put together.",
    remedy: "Reassemble by offset, overlapping ranges too (RFC 6347 §4.2.3).",
  },
  // --- connection ids ---
  "cid-moves-without-proof": {
    what: "The peer's address is changed by a datagram that was not authenticated: it only bears a connection id.",
    remedy: "Change the address after the record was verified, and never before (RFC 9146 §6).",
  },
  "cid-moves-on-old-record": {
    what: "The peer's address is changed by a record that is older than the newest, which anybody on the path can keep.",
    remedy: "Change the address for records alone that are newer than all before them (RFC 9146 §6).",
  },
  "moved-device-lost": {
    what: "A device whose address changed, as behind a NAT that forgot it, is answered at its old one.",
    remedy:
      "Follow the newest verified record with a connection id to the address that it came from (RFC 9146 §6).",
  },
  "cid-not-required": {
    what: "A record without a connection id is taken although one was agreed on.",
    remedy:
      "Once connection ids are agreed on, drop protected records of any other type than tls12_cid (RFC 9146 §3).",
  },
  "moved-address-not-validated": {
    what: "As much as there is to say is sent to an address that a peer just moved to, whoever may live there.",
    remedy:
      "Send to a new address no more than three times what came from it until it has proved itself (RFC 9146 §6, RFC 9853).",
  },
} as const satisfies Record<string, WeaknessText>;
