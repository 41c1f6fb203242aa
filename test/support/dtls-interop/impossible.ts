import { type OurRole, type PeerName, peerNames } from "./names.ts";
import type { CredentialName } from "./peer.ts";

interface Rule {
  readonly peers: readonly PeerName[];
  readonly role?: OurRole;
  readonly credential?: RegExp;
  readonly suite?: RegExp;
  readonly because: string;
}

/** The first that fits is the reason. */
const rules: readonly Rule[] = [
  {
    peers: ["node-dtls-client 2.0"],
    role: "client",
    because: "node-dtls-client is a client only",
  },
  {
    peers: ["node-dtls-client 2.0"],
    suite: /ECDHE|CHACHA20/,
    because: "node-dtls-client has plain PSK suites with AES alone",
  },
  {
    peers: peersWithout("wolfSSL 5.5", "wolfSSL of sid", "Erlang 25"),
    suite: /ECDHE_PSK_WITH_AES/,
    because: "the library has no ECDHE_PSK suite with AES-GCM or AES-CCM (RFC 8442)",
  },
  {
    peers: ["wolfSSL 5.5", "wolfSSL of sid"],
    suite: /ECDHE_PSK_WITH_AES_(256|128_CCM)/,
    because: "wolfSSL has ECDHE_PSK with AES-128-GCM and ChaCha20-Poly1305 alone",
  },
  {
    peers: ["wolfSSL 5.5", "wolfSSL of sid"],
    suite: /TLS_PSK_WITH_AES/,
    because: "Debian builds wolfSSL without plain PSK suites but that with ChaCha20-Poly1305",
  },
  {
    peers: ["wolfSSL 5.5", "wolfSSL of sid"],
    suite: /ECDSA_WITH_AES_256_CCM$/,
    because: "wolfSSL has AES-256-CCM with the 8-byte tag alone",
  },
  {
    peers: ["OpenSSL 3.0", "OpenSSL 3.5", "libcoap 4.3 on OpenSSL"],
    role: "client",
    credential: /Ed25519/,
    because: "an OpenSSL server takes no Ed25519 certificate in DTLS 1.2",
  },
  {
    peers: ["Mbed TLS 2.28", "Mbed TLS of sid"],
    credential: /Ed25519/,
    because: "Mbed TLS has no Ed25519",
  },
  {
    peers: ["OpenSSL 3.0", "libcoap 4.3 on OpenSSL"],
    credential: /raw public key/,
    because: "OpenSSL has raw public keys from version 3.2 on",
  },
  {
    peers: ["Mbed TLS 2.28", "Mbed TLS of sid"],
    credential: /raw public key/,
    because: "Mbed TLS has no raw public keys",
  },
  {
    peers: ["wolfSSL 5.5", "wolfSSL of sid"],
    credential: /raw public key/,
    because: "the wolfSSL program of these tests does not use raw public keys",
  },
  {
    peers: ["Erlang 25"],
    suite: /ECDHE_PSK_WITH_AES_256|PSK_WITH_CHACHA20/,
    because: "Erlang has neither ECDHE_PSK with AES-256-GCM nor PSK suites with ChaCha20-Poly1305",
  },
  {
    peers: ["Erlang 25"],
    credential: /Ed25519/,
    because: "Erlang does Ed25519 in TLS 1.3 alone",
  },
  {
    peers: ["Erlang 25"],
    credential: /raw public key/,
    because: "Erlang has no raw public keys",
  },
  {
    peers: ["libcoap 4.3 on GnuTLS"],
    suite: /AES_256_CCM_8/,
    because: "libcoap on GnuTLS does not switch AES-256-CCM_8 on",
  },
  {
    peers: ["libcoap 4.3 on GnuTLS"],
    role: "server",
    credential: /Ed25519/,
    because: "libcoap's client on GnuTLS shows no Ed25519 certificate",
  },
  {
    peers: ["GnuTLS 3.7"],
    role: "server",
    suite: /ECDHE_PSK/,
    because: "gnutls-cli ends after a handshake with ECDHE_PSK, before it sends anything",
  },
];

function peersWithout(...names: readonly PeerName[]): PeerName[] {
  return peerNames.filter((name) => !names.includes(name));
}

/** Why a pairing cannot be; undefined where it can. */
export function reasonAgainst(
  peer: PeerName,
  role: OurRole,
  credential: CredentialName,
  suite: string,
): string | undefined {
  return rules.find(
    (rule) =>
      rule.peers.includes(peer) &&
      (rule.role ?? role) === role &&
      (rule.credential?.test(credential) ?? true) &&
      (rule.suite?.test(suite) ?? true),
  )?.because;
}
