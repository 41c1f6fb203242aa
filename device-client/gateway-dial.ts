import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect, type SecureContext, type TLSSocket } from "node:tls";
import type { ValidatedPath } from "../pki/index.ts";
import { codeOf, DeviceError, errorOf, textOf } from "./errors.ts";
import { checkGateway, type GatewayRules, nameCheckFor } from "./gateway-check.ts";

export interface DialOptions extends GatewayRules {
  readonly host: string;
  readonly port: number;
  /** Versions, suites, groups and the device's own key: `DeviceIdentity.secureContext()`. */
  readonly secureContext: SecureContext;
  /** Aborts the dial; its reason is thrown. */
  readonly signal: AbortSignal;
}

/**
 * A connection whose peer has proven to be the gateway.
 *
 * Only `VerifiedGateway.dial` makes one, and MQTT is spoken over nothing else: there is no stream that a CONNECT
 * could be written to before the check has passed.
 */
export class VerifiedGateway {
  readonly #socket: TLSSocket;
  readonly #tcp: Socket;
  readonly #path: ValidatedPath;
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly protocol: string;
  readonly cipher: string;

  private constructor(socket: TLSSocket, tcp: Socket, path: ValidatedPath) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.#path = path;
    // Kept, because a socket forgets both once it is closed.
    this.protocol = socket.getProtocol() ?? "";
    this.cipher = socket.getCipher().name;
  }

  /**
   * TCP, TLS and the check of the gateway. Each dial is a full handshake: no session is resumed, so the check
   * always sees the chain. Throws DeviceError, or the signal's reason.
   */
  static dial(options: DialOptions): Promise<VerifiedGateway> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(errorOf(signal.reason));
      // An acknowledgement is four octets: it should not wait for more to send.
      const tcp = connectTcp({ host: options.host, port: options.port, noDelay: true });
      const socket = connect({
        socket: tcp,
        // RFC 6066 §3: an IP address is not sent as server_name.
        servername: isIP(options.serverName) ? "" : options.serverName,
        secureContext: options.secureContext,
        // Not "no verification": Node would destroy the socket with one of a few codes. checkGateway runs first
        // thing in secureConnect, demands Node's verdict too, and can say which rule failed.
        rejectUnauthorized: false,
        checkServerIdentity: nameCheckFor(options.serverName),
      });
      const settle = () => {
        signal.removeEventListener("abort", onAbort);
        socket.off("error", onError);
        socket.off("close", onClose);
      };
      const fail = (error: Error) => {
        settle();
        // The peer's reaction to the end of a refused connection is of no interest.
        socket.on("error", () => {});
        socket.destroy();
        reject(error);
      };
      const onAbort = () => fail(errorOf(signal.reason));
      const onError = (error: Error) => fail(dialError(error, options));
      const onClose = () => fail(dialError(new Error("closed during the TLS handshake"), options));
      signal.addEventListener("abort", onAbort, { once: true });
      socket.once("error", onError);
      socket.once("close", onClose);
      socket.once("secureConnect", () => {
        try {
          const path = checkGateway(socket, options);
          settle();
          resolve(new VerifiedGateway(socket, tcp, path));
        } catch (error) {
          fail(errorOf(error));
        }
      });
    });
  }

  get socket(): TLSSocket {
    return this.#socket;
  }

  /** What TLS runs on: to be looked at alone. */
  get tcp(): Socket {
    return this.#tcp;
  }

  get path(): ValidatedPath {
    return this.#path;
  }
}

/** Alerts by which a server rejects the certificate of a client (RFC 9846 §6.2). */
const certificateAlert =
  /ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:REVOKED|EXPIRED|UNKNOWN|REQUIRED)|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)/;

/** What an error on a socket to the gateway means. */
export function dialError(
  error: Error,
  gateway: { readonly host: string; readonly port: number },
): DeviceError {
  const code = codeOf(error) ?? "";
  const where = `${gateway.host}:${gateway.port}`;
  if (certificateAlert.test(code)) return refusedByAlert(error);
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") {
    return new DeviceError("DEVICE_TLS_FAILED", `TLS with ${where} failed: ${textOf(error)}`, {
      cause: error,
    });
  }
  return new DeviceError("DEVICE_UNREACHABLE", `cannot reach the gateway at ${where}: ${textOf(error)}`, {
    cause: error,
  });
}

function refusedByAlert(error: Error): DeviceError {
  return new DeviceError(
    "DEVICE_REFUSED",
    `the gateway rejected this device's certificate: ${textOf(error)}; its events name the reason`,
    { cause: error },
  );
}
