/** Which side our stack is. */
export type OurRole = "server" | "client";

/** Every independent program, in the order of the table's columns. */
export const peerNames = [
  "OpenSSL 3.0",
  "OpenSSL 3.5",
  "GnuTLS 3.7",
  "libcoap 4.3 on OpenSSL",
  "libcoap 4.3 on GnuTLS",
  "Mbed TLS 2.28",
  "Mbed TLS of sid",
  "wolfSSL 5.5",
  "wolfSSL of sid",
  "Erlang 25",
  "node-dtls-client 2.0",
] as const;
export type PeerName = (typeof peerNames)[number];
