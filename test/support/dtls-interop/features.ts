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
const withMtu = tunable.filter((name) => name !== "wolfSSL 5.5");
const npm = "node-dtls-client 2.0";
const programs = ["OpenSSL 3.0", "GnuTLS 3.7"] as const;
const withServers = peerNames.filter((name) => name !== npm);

export const features: readonly Feature[] = [
  feature("a certificate of another CA is refused by our side", withServers),
  feature("a certificate of another CA, ours, is refused by theirs", withServers),
  feature("a client without a certificate is refused", withServers, []),
  feature("a server of another name is refused", [], withServers),
  feature("another pre-shared key is refused", peerNames, withServers),
  feature("a client certificate of another kind than the server's", ["OpenSSL 3.0"], []),
  feature("an RSA client signs with RSA-PSS", ["OpenSSL 3.0"], []),
  feature("an RSA client signs with PKCS#1", ["OpenSSL 3.0"], []),
  feature("key agreement on x25519", tunable),
  feature("key agreement on secp256r1", tunable),
  feature("key agreement on secp384r1", tunable),
  feature("flights in datagrams of 300 bytes, messages in fragments", withMtu),
  feature("resumption by ticket", tunable),
  feature("resumption by session id", tunable, programs),
  feature("the server name chooses the certificate", programs, ["OpenSSL 3.0"]),
  feature("an application protocol is chosen (ALPN)", programs),
  feature("no application protocol in common is refused", ["OpenSSL 3.0"], []),
  feature("DTLS 1.0 alone is refused", ["OpenSSL 3.0"], []),
  feature("CBC suites alone are refused", ["OpenSSL 3.0"], []),
  feature("without extended master secret: refused", ["GnuTLS 3.7", npm], ["GnuTLS 3.7"]),
  feature(
    "without extended master secret: let in where that is allowed",
    ["GnuTLS 3.7", npm],
    ["GnuTLS 3.7"],
  ),
  feature("exported keying material is the same", ["OpenSSL 3.0"]),
  feature("the lines of the key log are the same", ["OpenSSL 3.0"]),
  feature("records of at most 512 bytes (max_fragment_length)", ["OpenSSL 3.0", ...small]),
  feature("records of at most 512 bytes (record_size_limit)", ["GnuTLS 3.7"], []),
  feature("a renegotiation is refused", programs, ["OpenSSL 3.0"]),
  feature("a client that lost its state comes back from the same port", ["OpenSSL 3.0"], small),
  feature("the client closes, and our side hears it", ["OpenSSL 3.0", ...small, npm], []),
  feature("our side closes, and the peer hears it", ["OpenSSL 3.0", ...small]),
  feature("a connection ID on what the client sends", withConnectionIds),
  feature("connection IDs in both directions", withConnectionIds, []),
  feature("the client moves to another port, and is known by its connection ID", withConnectionIds),
  feature("the client moves, with connection IDs in both directions", withConnectionIds, []),
];

/** The names of what is tested with a peer while our stack is the server, or the client. */
export function featuresOf(peer: PeerName, role: OurRole): string[] {
  const of = features.filter(({ clients, servers }) =>
    (role === "server" ? clients : servers).includes(peer),
  );
  return of.map(({ what }) => what);
}

function feature(
  what: string,
  clients: readonly PeerName[],
  servers: readonly PeerName[] = clients,
): Feature {
  return { what, clients, servers };
}
