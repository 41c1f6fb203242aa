/** A rule that the stack keeps: its own words, where it stands, and the labels by which titles of tests name it. */
export interface DtlsRule {
  /** The first is its own; the others are less exact names of the same. */
  readonly labels: readonly [string, ...string[]];
  readonly rule: string;
  readonly clause: string;
}

/** Rules of the RFCs that do not apply here, and why. */
export const notApplicable: ReadonlyArray<readonly [label: string, why: string]> = [
  [
    "R5.7",
    "RFC 8446 §4.1.3, the downgrade sentinel in ServerHello.random: it is for sides that also speak TLS 1.3.",
  ],
  ["R16", "RFC 9147, DTLS 1.3: another version of the protocol, which is not negotiated here."],
  ["U18", "RFC 9147 §7, ACK messages: there are none in DTLS 1.2."],
];

const authentication: readonly DtlsRule[] = [
  {
    labels: ["A1"],
    rule: "A client that sent a certificate proves to hold its key: without a good CertificateVerify there is no session.",
    clause: "RFC 5246 §7.4.8",
  },
  {
    labels: ["A2"],
    rule: "ServerKeyExchange is signed, by the key of the server's certificate, with a scheme that was offered and that fits this key.",
    clause: "RFC 5246 §7.4.3, RFC 8422 §5.4",
  },
  {
    labels: ["A3"],
    rule: "Finished is verified in constant time on both sides before any application data is released.",
    clause: "RFC 5246 §7.4.9",
  },
  {
    labels: ["A4"],
    rule: "A client always checks the server's name; key usage and extended key usage are checked both ways.",
    clause: "RFC 9525 §6, RFC 5280 §4.2.1.12",
  },
  {
    labels: ["A5"],
    rule: "What the server chooses (version, suite, extensions and their values) is among what was offered.",
    clause: "RFC 5246 §7.4.1.3, §7.4.1.4",
  },
  {
    labels: ["A6"],
    rule: "The ClientHello that brings the cookie back is the first one again, but for the cookie.",
    clause: "RFC 6347 §4.2.1",
  },
  {
    labels: ["A7"],
    rule: "A session is resumed for the same peer, name, protocol, suite and extended master secret alone, and the peer is judged again.",
    clause: "RFC 5246 §7.3, RFC 7627 §5.3",
  },
  {
    labels: ["A8"],
    rule: "A raw public key that is not the expected one ends the handshake.",
    clause: "RFC 7250 §6",
  },
];

const stateMachine: readonly DtlsRule[] = [
  {
    labels: ["B1"],
    rule: "In each state only the messages that may come next are taken.",
    clause: "RFC 5246 §7.3, RFC 6347 §4.2.4",
  },
  {
    labels: ["B2"],
    rule: "Each message belongs to an epoch; records of unknown epochs are dropped in silence and cost next to nothing.",
    clause: "RFC 6347 §4.1",
  },
  {
    labels: ["B3", "R1.8"],
    rule: "Records of the next epoch that come too early, as Finished before ChangeCipherSpec, wait for their turn within a bound.",
    clause: "RFC 6347 §4.1, §4.2.4",
  },
  {
    labels: ["B4"],
    rule: "ChangeCipherSpec is taken once, in its one place, and never after the handshake.",
    clause: "RFC 5246 §7.1",
  },
  {
    labels: ["B5"],
    rule: "A failed handshake leaves nothing behind: no state, no timer, no count.",
    clause: "RFC 5246 §7.2.2",
  },
];

const injection: readonly DtlsRule[] = [
  {
    labels: ["C1", "R1.9"],
    rule: "Application data of epoch 0 is never delivered.",
    clause: "RFC 5246 §7.3",
  },
  {
    labels: ["C2"],
    rule: "Alerts in the clear end nothing once there are keys, and are a hint at most before.",
    clause: "RFC 6347 §4.1.2.7",
  },
  {
    labels: ["C3"],
    rule: "A ClientHello in the clear from the address of a live association ends it only when its own handshake is complete.",
    clause: "RFC 6347 §4.2.8",
  },
  {
    labels: ["C4"],
    rule: "Where a connection id was negotiated, protected records without one are dropped.",
    clause: "RFC 9146 §4",
  },
];

const denial: readonly DtlsRule[] = [
  {
    labels: ["D1"],
    rule: "Before a good cookie nothing is allocated, no key is made and nothing is signed; no more bytes go out than came in.",
    clause: "RFC 6347 §4.2.1",
  },
  { labels: ["D2"], rule: "Resumption goes through the cookie too.", clause: "RFC 6347 §4.2.1" },
  {
    labels: ["D3"],
    rule: "Malformed versions and lengths do not lead past the cookie, whose length is bounded.",
    clause: "RFC 6347 §4.2.1",
  },
  {
    labels: ["D4"],
    rule: "The cookie is an HMAC under a secret that changes, over address, port and the client's parameters, compared in constant time.",
    clause: "RFC 6347 §4.2.1",
  },
  {
    labels: ["D5"],
    rule: "One datagram is answered by one HelloVerifyRequest at most.",
    clause: "RFC 6347 §4.2.1",
  },
  {
    labels: ["D6"],
    rule: "No datagram makes an exception come out of the socket's handler.",
    clause: "RFC 6347 §4.1.2.7",
  },
  {
    labels: ["D7"],
    rule: "Handshakes, sessions and queued bytes are bounded, in all and for each host; beyond that there is silence.",
    clause: "RFC 6347 §4.2.1",
  },
];

const fragments: readonly DtlsRule[] = [
  {
    labels: ["E1"],
    rule: "All fragments of a message_seq agree in type and total length; others are dropped.",
    clause: "RFC 6347 §4.2.3",
  },
  {
    labels: ["E2"],
    rule: "A declared length is checked before memory is taken for it; what waits is bounded in bytes and number.",
    clause: "RFC 6347 §4.2.3",
  },
  {
    labels: ["E3"],
    rule: "Empty fragments, fragments beyond their record or message, and overlapping ones with other bytes are refused.",
    clause: "RFC 6347 §4.2.3",
  },
  {
    labels: ["E4"],
    rule: "The result does not depend on the order of the fragments, nor on repeated ones.",
    clause: "RFC 6347 §4.2.2, §4.2.3",
  },
  {
    labels: ["E5"],
    rule: "Vectors of odd or short lengths are refused; no parser goes on without having read something.",
    clause: "RFC 5246 §4.3",
  },
];

const replay: readonly DtlsRule[] = [
  {
    labels: ["F1"],
    rule: "The replay window of an epoch moves only for records that opened.",
    clause: "RFC 6347 §4.1.2.6",
  },
  {
    labels: ["F2"],
    rule: "The explicit nonce of an AEAD is epoch and sequence number, never random.",
    clause: "RFC 9325 §7.2.1, RFC 5288 §3",
  },
  {
    labels: ["F3"],
    rule: "Sequence numbers do not wrap; a flight that is sent again has new ones, and the same message_seq.",
    clause: "RFC 6347 §4.1, §4.2.2",
  },
  {
    labels: ["F4"],
    rule: "A jump forward of any size is taken: lost records end nothing.",
    clause: "RFC 6347 §4.1.2.6",
  },
  { labels: ["F5"], rule: "Sequence numbers are exact over all 48 bits.", clause: "RFC 6347 §4.1" },
  {
    labels: ["F6"],
    rule: "Records that do not open are counted, and their number is limited.",
    clause: "RFC 9147 §4.5.3",
  },
];

const moving: readonly DtlsRule[] = [
  {
    labels: ["G1"],
    rule: "A peer's address changes for a record that opened, is newer than all before and, where negotiated, after a return routability check.",
    clause: "RFC 9146 §6",
  },
  {
    labels: ["G2"],
    rule: "Connection ids cannot be guessed, have one length for each endpoint, and are new in each handshake.",
    clause: "RFC 9146 §3, §8",
  },
  {
    labels: ["G3"],
    rule: "An address that proved nothing gets at most three times the bytes that came from it.",
    clause: "RFC 9853 §4",
  },
  {
    labels: ["G4"],
    rule: "All records of a datagram belong to one association.",
    clause: "RFC 9146 §4",
  },
  {
    labels: ["G5"],
    rule: "Connection ids of every length from 0 to 255 are read, each side's own apart from the other's.",
    clause: "RFC 9146 §3",
  },
  {
    labels: ["H"],
    rule: "Points are on their curve, secrets not zero, keys strong enough, and nothing of them is shown.",
    clause: "RFC 8422 §5.10, §5.11, RFC 9325 §4",
  },
  {
    labels: ["I"],
    rule: "A callback of the application that throws costs its own session at most.",
    clause: "",
  },
];

const recordLayer: readonly DtlsRule[] = [
  {
    labels: ["R1.1"],
    rule: "Records do not span datagrams; several may share one; a length beyond the datagram drops what is left.",
    clause: "RFC 6347 §4.1.1",
  },
  {
    labels: ["R1.2"],
    rule: "After negotiation a record of another version is discarded.",
    clause: "RFC 6347 §4.1",
  },
  {
    labels: ["R1.3"],
    rule: "Invalid records are discarded in silence and change nothing.",
    clause: "RFC 6347 §4.1.2.7",
  },
  {
    labels: ["R1.4"],
    rule: "Each record takes the next sequence number of its epoch, from 0; none is used twice.",
    clause: "RFC 6347 §4.1",
  },
  {
    labels: ["R1.5"],
    rule: "Nonce and additional data of each AEAD are as its RFC has them.",
    clause: "RFC 5246 §6.2.3.3, RFC 5288 §3, RFC 6655 §3, RFC 7905 §2",
  },
  {
    labels: ["R1.6"],
    rule: "The replay window is checked before and updated after a record is opened, for each epoch.",
    clause: "RFC 6347 §4.1.2.6",
  },
  {
    labels: ["R1.7"],
    rule: "Plaintext is 2^14 bytes at most, or what was negotiated.",
    clause: "RFC 5246 §6.2.1",
  },
];

const cookies: readonly DtlsRule[] = [
  { labels: ["R2"], rule: "The cookie exchange as a whole.", clause: "RFC 6347 §4.2.1" },
  {
    labels: ["R2.1"],
    rule: "HelloVerifyRequest goes out as DTLS 1.0, and its version says nothing about what is negotiated.",
    clause: "RFC 6347 §4.2.1",
  },
  {
    labels: ["R2.2"],
    rule: "HelloVerifyRequest has record sequence number and message_seq of the ClientHello.",
    clause: "RFC 6347 §4.2.1, erratum 5186",
  },
  {
    labels: ["R2.3"],
    rule: "ServerHello has those of the ClientHello that brought the cookie.",
    clause: "RFC 6347 §4.2.1",
  },
  {
    labels: ["R2.4"],
    rule: "A wrong cookie is answered as none: by a HelloVerifyRequest, never by an alert.",
    clause: "RFC 6347 §4.2.1",
  },
  {
    labels: ["R2.5"],
    rule: "The client repeats its ClientHello with the cookie and nothing else changed; both first messages stay out of the transcript.",
    clause: "RFC 6347 §4.2.1, §4.2.6",
  },
  { labels: ["R2.6"], rule: "No timer repeats a HelloVerifyRequest.", clause: "RFC 6347 §4.2.1" },
  {
    labels: ["R2.7"],
    rule: "Every new handshake needs a cookie, a resumption too.",
    clause: "RFC 6347 §4.2.1",
  },
];

const handshake: readonly DtlsRule[] = [
  {
    labels: ["R3"],
    rule: "The framing of handshake messages as a whole.",
    clause: "RFC 6347 §4.2.2, §4.2.3",
  },
  {
    labels: ["R3.1"],
    rule: "message_seq counts from 0, and stays when a message is sent again.",
    clause: "RFC 6347 §4.2.2",
  },
  {
    labels: ["R3.2"],
    rule: "A message_seq below the next is discarded, one above it waits within a bound.",
    clause: "RFC 6347 §4.2.2",
  },
  {
    labels: ["R3.3"],
    rule: "Fragments are sent without gap or overlap, and taken however they overlap.",
    clause: "RFC 6347 §4.2.3",
  },
  {
    labels: ["R3.4"],
    rule: "The transcript has each message as if it had been sent in one fragment.",
    clause: "RFC 6347 §4.2.6",
  },
  {
    labels: ["R3.5"],
    rule: "A record may hold several messages; ChangeCipherSpec is a record of its own, and not in the transcript.",
    clause: "RFC 6347 §4.2.3, RFC 5246 §7.1",
  },
  {
    labels: ["R4.1", "R4"],
    rule: "Flights are prepared, sent, waited upon and finished.",
    clause: "RFC 6347 §4.2.4",
  },
  {
    labels: ["R4.2"],
    rule: "A flight is sent again after 1 s, then after twice as long each time, up to a maximum.",
    clause: "RFC 6347 §4.2.4.1",
  },
  {
    labels: ["R4.3"],
    rule: "It is sent whole, when the timer runs out or the peer repeats its own; floods of those make none.",
    clause: "RFC 6347 §4.2.4",
  },
  {
    labels: ["R4.4"],
    rule: "Whoever sent the last flight keeps it, and answers the peer's repeated one with it.",
    clause: "RFC 6347 §4.2.4",
  },
  { labels: ["R4.5"], rule: "Part of a flight does not stop the timer.", clause: "RFC 6347 §4.2.4" },
  { labels: ["R4.6"], rule: "After repeated losses datagrams become smaller.", clause: "RFC 6347 §4.1.1.1" },
];

const negotiation: readonly DtlsRule[] = [
  {
    labels: ["R5"],
    rule: "Extensions are read and written as their RFCs have them.",
    clause: "RFC 5246 §7.4.1.4",
  },
  { labels: ["R5.1"], rule: "A peer without DTLS 1.2 is told protocol_version.", clause: "RFC 5246 §E.1" },
  {
    labels: ["R5.2"],
    rule: "A suite is chosen that fits the certificate, groups and signature schemes of both, or handshake_failure.",
    clause: "RFC 5246 §7.4.1.3, RFC 8422 §5.1",
  },
  {
    labels: ["R5.3"],
    rule: "Without supported_groups P-256 may be assumed; point formats have uncompressed.",
    clause: "RFC 8422 §4, §5.1.2",
  },
  {
    labels: ["R5.4"],
    rule: "Without signature_algorithms there is no falling back to SHA-1.",
    clause: "RFC 5246 §7.4.1.4.1, RFC 9155 §2",
  },
  { labels: ["R5.5"], rule: "Null compression is offered, and chosen.", clause: "RFC 5246 §7.4.1.2" },
  {
    labels: ["R5.6"],
    rule: "A server ignores unknown extensions, a client refuses those it did not ask for, and both refuse repeated ones.",
    clause: "RFC 5246 §7.4.1.4",
  },
  {
    labels: ["R5.8"],
    rule: "Server names and application protocols are well formed, chosen among those known, or refused.",
    clause: "RFC 6066 §3, RFC 7301 §3",
  },
];

const proofs: readonly DtlsRule[] = [
  {
    labels: ["R6"],
    rule: "Key exchange: fresh shares, valid points, leading zeros kept, premaster secrets of ECDHE, PSK and ECDHE_PSK, unknown identities not told from wrong keys.",
    clause: "RFC 8422 §5, RFC 4279 §2, RFC 5489 §2",
  },
  {
    labels: ["R7"],
    rule: "Certificates: order, request, the empty one of a client that has none, and the alert for each refusal.",
    clause: "RFC 5246 §7.4.2, §7.4.4, §7.4.6",
  },
  {
    labels: ["R8"],
    rule: "Extended master secret is required; renegotiation_info is answered where asked for; no renegotiation; Finished has 12 bytes.",
    clause: "RFC 7627 §5, RFC 5746 §3, RFC 7925 §17",
  },
  {
    labels: ["R9"],
    rule: "Alerts: only protected ones count once there are keys; close_notify is answered; fatal ones end the association and its session.",
    clause: "RFC 5246 §7.2",
  },
  {
    labels: ["R10"],
    rule: "A new handshake from the address of a live association goes on beside it, and replaces it when it is complete.",
    clause: "RFC 6347 §4.2.8",
  },
];

const connectionIds: readonly DtlsRule[] = [
  { labels: ["R11"], rule: "Connection ids as a whole.", clause: "RFC 9146" },
  {
    labels: ["R11.1"],
    rule: "Each side says the id that it wants to receive, empty for none; not negotiated, none is sent.",
    clause: "RFC 9146 §3",
  },
  {
    labels: ["R11.2"],
    rule: "Protected records to a peer with an id are tls12_cid, and others are not taken.",
    clause: "RFC 9146 §4",
  },
  { labels: ["R11.3"], rule: "Records of epoch 0 have no connection id.", clause: "RFC 9146 §3, §4" },
  { labels: ["R11.4"], rule: "The additional data covers the id and its length.", clause: "RFC 9146 §5.3" },
  {
    labels: ["R11.5"],
    rule: "The inner plaintext has its type and padding of zeros, and is bounded.",
    clause: "RFC 9146 §4",
  },
  { labels: ["R11.6"], rule: "A resumption negotiates ids afresh.", clause: "RFC 9146 §3" },
  {
    labels: ["R11.7"],
    rule: "A peer moves by a record that verified, is the newest, and by a strategy; otherwise its data still counts.",
    clause: "RFC 9146 §6",
  },
  {
    labels: ["R11.8"],
    rule: "The length of received ids is fixed, so that a header is read without state.",
    clause: "RFC 9146 §3",
  },
  {
    labels: ["R12"],
    rule: "Return routability: challenges with fresh cookies, one answer for each, to where it came from; bounded data meanwhile.",
    clause: "RFC 9853",
  },
];

const sizes: readonly DtlsRule[] = [
  {
    labels: ["R13", "R13.1", "R13.2"],
    rule: "Datagrams keep to the MTU, records to max_fragment_length and record_size_limit; a message too large is an error.",
    clause: "RFC 6347 §4.1.1, RFC 6066 §4, RFC 8449 §4",
  },
  {
    labels: ["R14"],
    rule: "The profile for the Internet of Things: its mandatory suites, in each of the credential modes.",
    clause: "RFC 7925 §4, RFC 7252 §9",
  },
  {
    labels: ["R15"],
    rule: "Nothing outdated: no DTLS 1.0, static RSA, CBC, RC4, NULL or anonymous suites, no weak keys; forward secrecy first.",
    clause: "RFC 9325 §3, §4, RFC 8996",
  },
  {
    labels: ["R17"],
    rule: "Exported keys are bound to the session; reserved labels are refused; the key log is for who asks.",
    clause: "RFC 5705 §4, RFC 7627 §7",
  },
];

/** What operators of such stacks ask for. Not every one can be a test. */
const operation: readonly DtlsRule[] = [
  { labels: ["U1"], rule: "A slow or abandoned handshake holds nobody up and ends in time.", clause: "" },
  { labels: ["U2"], rule: "A device that restarted comes back from its port.", clause: "RFC 6347 §4.2.8" },
  { labels: ["U3"], rule: "A server that restarts strands nobody.", clause: "" },
  { labels: ["U4"], rule: "A device behind a NAT that forgot it is still known.", clause: "RFC 9146" },
  { labels: ["U5"], rule: "A ClientHello in fragments is taken, statelessly.", clause: "RFC 6347 §4.2.3" },
  {
    labels: ["U6"],
    rule: "A flight that is cut otherwise when sent again still fits together.",
    clause: "RFC 6347 §4.2.3",
  },
  { labels: ["U7"], rule: "Handshakes pass paths with small MTUs.", clause: "RFC 6347 §4.1.1.1" },
  { labels: ["U8"], rule: "Lost first messages end in no deadlock.", clause: "RFC 6347 §4.2.1" },
  { labels: ["U9"], rule: "One socket serves many clients, on more than one core.", clause: "" },
  { labels: ["U10"], rule: "Memory stays flat as clients come and go.", clause: "" },
  { labels: ["U11"], rule: "A peer that was revoked or expired loses its live session.", clause: "" },
  {
    labels: ["U13"],
    rule: "A client that owes a certificate does not get in without.",
    clause: "RFC 5246 §7.4.6",
  },
  {
    labels: ["U14"],
    rule: "The ClientHellos of other implementations are understood.",
    clause: "RFC 5246 §7.4.1.2",
  },
  { labels: ["U15"], rule: "Failures have reasons of their own on this side.", clause: "" },
  { labels: ["U19"], rule: "Nothing of one handshake is shared with another.", clause: "" },
];

/** In the order of the document; those of the last group need no test. */
export const groups: ReadonlyArray<readonly [title: string, rules: readonly DtlsRule[], optional?: boolean]> =
  [
    ["Authentication", authentication],
    ["The state machine", stateMachine],
    ["Plaintext once there are keys", injection],
    ["Cookies and denial of service", denial],
    ["Fragments", fragments],
    ["Replay, sequence numbers and nonces", replay],
    ["Peers that move, cryptography, callbacks", moving],
    ["The record layer", recordLayer],
    ["The cookie exchange", cookies],
    ["Handshake messages and flights", handshake],
    ["Negotiation", negotiation],
    ["Keys, certificates, Finished, alerts", proofs],
    ["Connection ids", connectionIds],
    ["Sizes, profiles, exporters", sizes],
    ["In operation", operation, true],
  ];
