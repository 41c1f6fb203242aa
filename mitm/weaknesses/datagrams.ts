import type { WeaknessText } from "./text.ts";

/** Rules of DTLS and UDP that a peer may fail to keep. */
export const datagramWeaknesses = {
  "no-cookie-demanded": {
    what: "A ClientHello is answered with a whole flight before its sender has shown that it receives at its address.",
    remedy:
      "Answer a ClientHello without a valid cookie by HelloVerifyRequest alone, and keep nothing for it.",
  },
  "state-before-cookie": {
    what: "Something is kept for each ClientHello whose sender has proved nothing, until nothing works for anybody.",
    remedy:
      "Compute cookies from a secret instead of remembering them; keep nothing before a valid one came.",
  },
  "long-connection-id-not-borne": {
    what: "A peer that wants a long connection id on what it is sent is not served, or others are not after it.",
    remedy: "Bear connection ids of 0 to 255 bytes (RFC 9146 §3), or decline the extension.",
  },
  "cookie-not-verified": {
    what: "Any cookie is taken for the one that was handed out.",
    remedy:
      "Compare the cookie with the one that the server's secret gives for this address and these parameters.",
  },
  "cookie-not-bound-to-address": {
    what: "A cookie that was handed out at one address is good at another.",
    remedy: "Compute the cookie over the client's IP address and port.",
  },
  "cookie-not-bound-to-hello": {
    what: "A cookie that was handed out for one ClientHello is good for another.",
    remedy:
      "Compute the cookie over version, random, cipher suites and compression methods of the ClientHello.",
  },
  "verify-request-amplifies": {
    what: "A small datagram of an unproved sender is answered with more bytes than it had.",
    remedy: "Send one HelloVerifyRequest with a short cookie for each ClientHello, and nothing else.",
  },
  "hello-verify-request-loop": {
    what: "Every HelloVerifyRequest is answered, however many come.",
    remedy: "Give the handshake up after a few HelloVerifyRequests.",
  },
  "late-hello-verify-request": {
    what: "A HelloVerifyRequest that comes after ServerHello makes the client begin again, in the middle of a handshake.",
    remedy: "Take HelloVerifyRequest only as the answer to a ClientHello.",
  },
  "plaintext-data-accepted": {
    what: "Application data in a record of epoch 0, which nothing protects, reaches the application.",
    remedy: "Drop application data of epoch 0, before, during and after the handshake.",
  },
  "plaintext-alert-obeyed": {
    what: "An alert of epoch 0, which anybody can send, ends an established session.",
    remedy: "Once keys are in use, ignore whatever is not protected by them.",
  },
  "application-data-before-finished": {
    what: "Application data is taken, or given, before the peer's Finished has been verified.",
    remedy: "Drop or keep application data until Finished has been verified.",
  },
  "epoch-not-checked": {
    what: "Records are opened whatever epoch they claim.",
    remedy: "Open records of the current epoch only; another one has other keys or none.",
  },
  "sequence-number-wraps": {
    what: "After the highest sequence number, 0 is taken for the next one, so that old records pass again.",
    remedy: "Never let a sequence number wrap: begin a new association instead.",
  },
  "overlapping-fragments-mixed": {
    what: "Where fragments overlap, what is understood and what is hashed for Finished differ.",
    remedy:
      "Put a message together once, and use those bytes for both; refuse fragments that contradict each other.",
  },
  "fragment-bounds-not-checked": {
    what: "A fragment that goes beyond the message it belongs to is taken.",
    remedy: "Drop a fragment whose offset and length exceed the length of the message.",
  },
  "fragment-length-may-change": {
    what: "The fragments of one message may disagree about its length.",
    remedy: "Take only fragments whose length and type are those of the first one of the message.",
  },
  "handshake-memory-unbounded": {
    what: "Fragments and messages to come are kept without a limit, until nothing works for anybody.",
    remedy:
      "Bound what one peer can make you keep: messages ahead, bytes of a message, fragments of nothing.",
  },
  "message-sequence-not-checked": {
    what: "Handshake messages are taken whatever their message_seq.",
    remedy:
      "Take the message with the next number only; keep a few that are ahead, and drop those that were had.",
  },
  "session-lost-to-new-hello": {
    what: "An unproved ClientHello from the address of a session ends that session.",
    remedy: "Keep the old association until the new handshake has been completed.",
  },
  "early-change-cipher-spec": {
    what: "ChangeCipherSpec is obeyed at any time, with keys of whatever secret is known by then, and what was due before is not missed.",
    remedy: "Take ChangeCipherSpec only right before Finished.",
  },
  "repeated-change-cipher-spec": {
    what: "Each further ChangeCipherSpec begins another epoch under the same keys.",
    remedy: "Take one ChangeCipherSpec for a handshake, and ignore the others.",
  },
  "early-finished": {
    what: "Finished is taken although other messages are missing, or in the clear.",
    remedy: "Take Finished only in its place, protected, after all that must come before it.",
  },
  "finished-not-verified": {
    what: "The verify_data of Finished is not compared with the handshake that took place.",
    remedy:
      "Compute verify_data over your own transcript, compare in constant time, and refuse with decrypt_error.",
  },
  "handshake-order-not-enforced": {
    what: "The messages of a handshake are taken in any order.",
    remedy: "Await one message at a time, and refuse every other with unexpected_message.",
  },
  "duplicate-messages-accepted": {
    what: "A message that has been had in this handshake is taken a second time.",
    remedy:
      "Refuse a second Certificate, ClientKeyExchange or ClientHello of the same handshake with unexpected_message.",
  },
  "server-key-exchange-not-required": {
    what: "A server that sends no ServerKeyExchange is gone on with, under a secret that everybody knows.",
    remedy: "With an ECDHE suite, refuse a handshake without ServerKeyExchange.",
  },
  "server-key-exchange-not-verified": {
    what: "The signature of ServerKeyExchange is not verified: the server need not hold the key of its certificate.",
    remedy: "Verify the signature over both randoms and the parameters with the key of the certificate.",
  },
  "unoffered-cipher-suite": {
    what: "The server may choose a cipher suite that was not offered.",
    remedy: "Refuse a ServerHello whose suite is not among those offered with illegal_parameter.",
  },
  "unoffered-group": {
    what: "The peer may choose a group that was not offered.",
    remedy: "Refuse a key of a group that is not among those offered with illegal_parameter.",
  },
  "record-mac-not-verified": {
    what: "A record is taken though its authentication tag does not fit.",
    remedy: "Use nothing of a record before its tag has been verified.",
  },
  "extended-master-secret-not-required": {
    what: "A peer without extended master secret is gone on with.",
    remedy: "Demand extended_master_secret (RFC 7627) of every peer.",
  },
  "psk-without-key": {
    what: "An unknown identity gets in with an empty pre-shared key.",
    remedy:
      "Negotiate suites with pre-shared keys only where keys are configured, and refuse unknown identities.",
  },
  "invalid-record-ends-session": {
    what: "A record that is not valid, which anybody can send, ends the session.",
    remedy: "Discard invalid records in silence and go on.",
  },
  "alerts-unbounded": {
    what: "Warning alerts are handled without a limit, until nothing works for anybody.",
    remedy: "Count alerts, and end the association of a peer that sends many.",
  },
  "predictable-connection-ids": {
    what: "Connection ids can be foretold from others.",
    remedy: "Draw connection ids at random, of 8 bytes or more, unless an address is proved otherwise.",
  },
  "connection-ids-collide": {
    what: "Two associations are given the same connection id.",
    remedy: "Hand out each connection id once among the associations that live.",
  },
  "answers-unknown-connection-ids": {
    what: "A record with a connection id that nobody has is answered, so that ids can be told from each other.",
    remedy: "Drop records with unknown connection ids in silence.",
  },
} as const satisfies Record<string, WeaknessText>;
