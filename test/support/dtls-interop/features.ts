import { type OurRole, type PeerName, peerNames } from "./names.ts";

/** What is tested besides the suites, and with whom. A test file that lacks one of its own cannot be loaded. */
export interface Feature {
  readonly what: string;
  /** Their clients at our server. */
  readonly clients: readonly PeerName[];
  /** Their servers with our client. */
  readonly servers: readonly PeerName[];
}

const mbedtls = ["Mbed TLS 2.28", "Mbed TLS of sid"] as const;
const wolfssl = ["wolfSSL 5.5", "wolfSSL of sid"] as const;
const small = ["OpenSSL 3.5", ...mbedtls, ...wolfssl] as const;
const tunable = ["OpenSSL 3.0", "GnuTLS 3.7", ...small] as const;
const withConnectionIds = ["Mbed TLS of sid", "wolfSSL of sid"] as const;
/** OpenSSL's own programs wait for one side at a time, and stop where a datagram holds nothing new. */
const withTimers = ["GnuTLS 3.7", ...small] as const;
const hasMtu = (name: PeerName) => name !== "wolfSSL 5.5";
const npm = "node-dtls-client 2.0";
const programs = ["OpenSSL 3.0", "GnuTLS 3.7"] as const;
const erlang = "Erlang 25";
const withServers = peerNames.filter((name) => name !== npm && name !== erlang);

export const features: readonly Feature[] = [
  feature("a certificate of another CA is refused by our side (A4, R7)", withServers),
  feature("a certificate of another CA, ours, is refused by theirs (R9)", withServers),
  feature("a client without a certificate is refused (U13)", withServers, []),
  feature("a server of another name is refused (A4)", [], withServers),
  feature("another raw public key is refused by our side (A8)", ["OpenSSL 3.5", "GnuTLS 3.7"]),
  feature("another pre-shared key is refused (U15)", [...withServers, npm], withServers),
  feature("a client certificate of another kind than the server's", ["OpenSSL 3.0"], []),
  feature("an RSA client signs with RSA-PSS (A1)", ["OpenSSL 3.0"], []),
  feature("an RSA client signs with PKCS#1 (A1)", ["OpenSSL 3.0"], []),
  feature("key agreement on x25519 (R6)", tunable),
  feature("key agreement on secp256r1 (R6)", tunable),
  feature("key agreement on secp384r1 (R6)", tunable),
  feature("flights in datagrams of 300 bytes, messages in fragments (R13, U5, U7)", tunable.filter(hasMtu)),
  feature("every datagram arrives twice (R1.6, R4.3)", withTimers),
  feature("lost datagrams are made up for (R4.2, R4.3)", withTimers),
  feature("datagrams of 300 bytes come in reverse order (R3.2, R3.3)", withTimers.filter(hasMtu)),
  feature("resumption by ticket (A7)", tunable),
  feature("resumption by session id (A7)", tunable),
  feature("the server name chooses the certificate (R5.8)", programs, ["OpenSSL 3.0"]),
  feature("an application protocol is chosen by ALPN (R5.8)", programs),
  feature("no application protocol in common is refused (R5.8)", ["OpenSSL 3.0"], []),
  feature("DTLS 1.0 alone is refused (R5.1, R15)", ["OpenSSL 3.0"], []),
  feature("CBC suites alone are refused (R15)", ["OpenSSL 3.0"], []),
  feature(
    "without extended master secret: refused (R8)",
    ["GnuTLS 3.7", erlang, npm],
    ["GnuTLS 3.7", erlang],
  ),
  feature(
    "without extended master secret: let in where that is allowed (R8)",
    ["GnuTLS 3.7", npm],
    ["GnuTLS 3.7"],
  ),
  feature("exported keying material is the same (R17)", ["OpenSSL 3.0"]),
  feature("the lines of the key log are the same (R17)", ["OpenSSL 3.0"]),
  feature("max_fragment_length of 512 bytes (R13)", ["OpenSSL 3.0", ...small]),
  feature("record_size_limit of 512 bytes (R13)", ["GnuTLS 3.7"], []),
  feature("a renegotiation is refused (R8)", programs, ["OpenSSL 3.0"]),
  feature("a client that lost its state comes back from the same port (R10, U2)", ["OpenSSL 3.0"], small),
  feature("our server restarts, and the session goes on (U3)", ["OpenSSL 3.0", ...small], []),
  feature("the client closes, and our side hears it (R9)", ["OpenSSL 3.0", ...small, npm], []),
  feature("our side closes, and the peer hears it (R9)", ["OpenSSL 3.0", ...small]),
  feature("a connection ID on what the client sends (R11.1, R11.2)", withConnectionIds),
  feature("connection IDs in both directions (R11.1, R11.2)", withConnectionIds, []),
  feature(
    "the client moves to another port, and is known by its connection ID (R11.7, U4)",
    withConnectionIds,
  ),
  feature("the client moves, with connection IDs in both directions (R11.7, U4)", withConnectionIds, []),
];

/** Without the labels of rules at its end, which are for docs/reference/rfc-coverage.md. */
export function nameOf({ what }: Feature): string {
  return what.replace(/ \([^()]*\)$/, "");
}

/** What is tested with a peer while our stack is the server, or the client. */
export function featuresOf(peer: PeerName, role: OurRole): Feature[] {
  return features.filter(({ clients, servers }) => (role === "server" ? clients : servers).includes(peer));
}

function feature(
  what: string,
  clients: readonly PeerName[],
  servers: readonly PeerName[] = clients,
): Feature {
  return { what, clients, servers };
}
