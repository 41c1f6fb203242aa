import { constants, createHash } from "node:crypto";
import { createServer, type Server, Socket } from "node:net";
import {
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from "node:tls";
import { type Certificate, encodePem } from "../pki/index.ts";
import { Admission, type Place } from "./admission.ts";
import { GatewayError, type RefusalReason } from "./errors.ts";
import type { Limits } from "./limits.ts";

/** What the TLS listener presents and whom it asks certificates of; replaced as a whole on reload. */
export interface TlsMaterial {
  readonly identity: { readonly key: string; readonly certificateChain: string };
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
}

export interface TlsListenerEvents {
  /** A handshake is done. Nothing is decided about the peer's certificate yet. */
  readonly onSecure: (socket: TLSSocket, tcp: Socket, address: string) => void;
  readonly onRefused: (reason: RefusalReason, detail: string, address: string) => void;
}

/** AEAD with ephemeral elliptic-curve keys, and no others (RFC 9325 §4.2); the first three are TLS 1.3. */
const cipherSuites = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/** The post-quantum hybrid first; a client that does not offer it falls to X25519 or the NIST curves. */
const groups = "X25519MLKEM768:X25519:P-256:P-384";

/**
 * The TLS side of the gateway: TLS 1.3 and 1.2, a certificate asked of everyone, caps before anything is
 * computed for a peer. OpenSSL checks that the peer holds the key of its certificate; whether the certificate
 * is good is decided by `onSecure`, because only there the reason of a refusal can be known.
 */
export class TlsListener {
  readonly #front: Server;
  readonly #tls: TlsServer;
  readonly #admission: Admission;
  readonly #events: TlsListenerEvents;
  readonly #limits: Limits;
  readonly #sockets = new Set<Socket>();
  /** By remote address and port, which is all that a TLS socket tells of the TCP socket under it. */
  readonly #places = new Map<string, Place>();

  /** @throws GatewayError GATEWAY_IDENTITY_INVALID when the gateway's key and certificate do not fit together. */
  constructor(material: TlsMaterial, limits: Limits, events: TlsListenerEvents) {
    this.#limits = limits;
    this.#events = events;
    this.#admission = new Admission(limits);
    this.#tls = withIdentityError(() =>
      createTlsServer({
        ...contextOptions(material, limits),
        requestCert: true,
        // Node would end the connection without saying why; #onSecure always judges.
        rejectUnauthorized: false,
        // RFC 7301 §3.2: a client that offers ALPN without "mqtt" gets no_application_protocol.
        ALPNProtocols: ["mqtt"],
        handshakeTimeout: limits.handshakeTimeoutMs,
      }),
    );
    this.#tls.on("secureConnection", (socket) => {
      this.#places.get(endpointOf(socket))?.handshakeDone();
      this.#events.onSecure(socket, below(socket), addressOf(socket));
    });
    this.#tls.on("tlsClientError", (error, socket) => this.#onHandshakeError(error, socket));
    this.#front = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) =>
      this.#onConnection(socket),
    );
  }

  /** Opens the port and returns its number. @throws GatewayError GATEWAY_LISTEN_FAILED */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#front.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
      this.#front.listen(port, host, resolve);
    });
    this.#front.removeAllListeners("error");
    this.#front.on("error", () => {
      // Accepting failed, as when file descriptors run out: the next connection may succeed.
    });
    const address = this.#front.address();
    if (address === null || typeof address === "string")
      throw new Error("unreachable: a TCP server has a port");
    return address.port;
  }

  /**
   * Presents `material` from the next handshake on. The ticket keys go with the old context, so no session made
   * under it resumes. @throws GatewayError GATEWAY_IDENTITY_INVALID, and nothing is changed
   */
  reload(material: TlsMaterial): void {
    withIdentityError(() => this.#tls.setSecureContext(contextOptions(material, this.#limits)));
  }

  /** Stops listening. Connections that are open stay. */
  stop(): void {
    if (this.#front.listening) this.#front.close();
  }

  /** Closes what is still open. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  #onConnection(socket: Socket): void {
    // Read once while it is open: the address is kept by the socket from then on.
    const address = addressOf(socket);
    socket.on("error", () => {
      // The TLS socket above reports it.
    });
    const place = this.#admission.enter(address);
    if (typeof place === "string") {
      socket.destroy();
      this.#events.onRefused(place, "", address);
      return;
    }
    this.#sockets.add(socket);
    const endpoint = endpointOf(socket);
    this.#places.set(endpoint, place);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (this.#places.get(endpoint) === place) this.#places.delete(endpoint);
      place.leave();
    });
    this.#tls.emit("connection", socket);
  }

  #onHandshakeError(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const address = addressOf(below(socket));
    this.#places.get(endpointOf(below(socket)))?.handshakeDone();
    socket.destroy();
    const { reason, detail } = handshakeRefusal(error);
    this.#events.onRefused(reason, detail, address);
  }
}

function contextOptions(material: TlsMaterial, limits: Limits): TlsOptions {
  const trusted = [...material.anchors, ...material.intermediates];
  return {
    key: material.identity.key,
    cert: material.identity.certificateChain,
    ca: trusted.map((certificate) => encodePem("CERTIFICATE", certificate.der)),
    // OpenSSL may stop at a CA that the gateway was given: validatePath judges the whole path, and remembers that
    // the root signed the issuing CA, where OpenSSL would verify that signature (P-384, slow) for each connection.
    allowPartialTrustChain: true,
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers: cipherSuites,
    honorCipherOrder: true,
    ecdhCurve: groups,
    // Node counts renegotiations and reports them; only this option refuses the first one.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
    sessionTimeout: limits.tlsSessionSeconds,
    sessionIdContext: sessionIdContext(material.anchors),
  };
}

/**
 * RFC 8446 §4.6.1 and RFC 5077 leave it to the server which sessions it resumes: a session is good only under
 * the very trust anchors that it was made under. At most 32 bytes, as OpenSSL wants it.
 */
export function sessionIdContext(anchors: readonly Certificate[]): string {
  const hash = createHash("sha256");
  for (const fingerprint of anchors.map((anchor) => anchor.fingerprint).toSorted()) hash.update(fingerprint);
  return hash.digest("hex").slice(0, 32);
}

const handshakeReasons: ReadonlyArray<readonly [RegExp, RefusalReason]> = [
  [/^ERR_TLS_HANDSHAKE_TIMEOUT$/, "handshake_timeout"],
  [/NO_APPLICATION_PROTOCOL/, "tls_no_application_protocol"],
  [
    /^ERR_SSL_(UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|INAPPROPRIATE_FALLBACK|TLSV1_ALERT_PROTOCOL_VERSION)$/,
    "tls_version",
  ],
  [
    /^ERR_SSL_(NO_SHARED_(CIPHER|GROUPS?)|NO_SUITABLE_(KEY_SHARE|GROUPS?|SIGNATURE_ALGORITHM)|NO_SHARED_SIGNATURE_ALGORITHMS)$/,
    "tls_no_shared_cipher",
  ],
  [
    /^ERR_SSL_(HTTP_REQUEST|HTTPS_PROXY_REQUEST|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_TOO_SMALL)$/,
    "not_tls",
  ],
  [
    /^ERR_SSL_(BAD_SIGNATURE|WRONG_SIGNATURE_(TYPE|LENGTH|SIZE)|PROVIDER_SIGNATURE_FAILURE|DECRYPT_ERROR)$/,
    "bad_proof_of_possession",
  ],
  [/^ERR_SSL_(TLSV1|TLSV13|SSLV3)_ALERT_/, "peer_alert"],
  [/^(ECONNRESET|EPIPE)$/, "handshake_aborted"],
];

/** What went wrong in a handshake, from the code that Node made of OpenSSL's reason. */
export function handshakeRefusal(error: NodeJS.ErrnoException): { reason: RefusalReason; detail: string } {
  const code = error.code ?? "";
  const reason = handshakeReasons.find(([pattern]) => pattern.test(code))?.[1] ?? "handshake_failed";
  // OpenSSL's text begins with an address in memory and names a source file: the reason alone is of use.
  return { reason, detail: code === "" ? error.message.slice(0, 100) : code };
}

function withIdentityError<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new GatewayError(
      "GATEWAY_IDENTITY_INVALID",
      `the gateway's key and certificate cannot be used for TLS (${text.split(":").at(-1)?.trim()}): check that they belong together`,
      { cause: error },
    );
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): GatewayError {
  const why =
    error.code === "EADDRINUSE"
      ? "is in use: stop the other program or take another port"
      : error.code === "EACCES"
        ? "may not be opened by this user: take a port above 1023"
        : `cannot be opened (${error.code ?? error.message})`;
  return new GatewayError("GATEWAY_LISTEN_FAILED", `port ${port} on ${host} ${why}`, { cause: error });
}

/**
 * The TCP socket under a TLS socket, which remembers its address when the connection is gone; the TLS socket itself
 * where Node does not tell.
 */
function below(socket: TLSSocket): Socket {
  const parent: unknown = Reflect.get(socket, "_parent");
  return parent instanceof Socket ? parent : socket;
}

function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");
}

function endpointOf(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}`;
}
