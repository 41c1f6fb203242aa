import { EventEmitter } from "node:events";
import { isIPv6 } from "node:net";
import type { dtls } from "node-dtls-client";
import type { DatagramLine, DatagramLineListener } from "./datagram-session.ts";
import type { PskCredential, PskSettings } from "./dtls-options.ts";
import { DeviceError, errorOf } from "./errors.ts";
import { addressesOf, firstToOpen } from "./first-to-open.ts";
import { withoutPlaintextData } from "./plaintext-data.ts";

/** Those of its suites that are AEAD (RFC 9325 §4.2). */
const ciphers: NonNullable<dtls.Options["ciphers"]> = [
  "TLS_PSK_WITH_AES_128_GCM_SHA256",
  "TLS_PSK_WITH_AES_256_GCM_SHA384",
  "TLS_PSK_WITH_AES_128_CCM",
  "TLS_PSK_WITH_AES_256_CCM",
  "TLS_PSK_WITH_AES_128_CCM_8",
  "TLS_PSK_WITH_AES_256_CCM_8",
];

/** What fits into a datagram that no network fragments, headers and tag taken off. */
const largestMessage = 1_200;
const mostEarlyMessages = 64;

/** Its socket, and the UDP socket that it works on. */
export interface PskAssociation {
  readonly socket: dtls.Socket;
  readonly udp: EventEmitter;
  readonly early: readonly Buffer[];
}

/**
 * DTLS by the package node-dtls-client, with a pre-shared key. It is loaded when it is first used. It sends nothing a
 * second time: after a loss the session's own back-off begins anew.
 */
export class NodeDtlsClientLine implements DatagramLine<PskCredential, PskAssociation> {
  readonly #settings: PskSettings;
  readonly #listener: DatagramLineListener;
  #association: PskAssociation | undefined;
  #end: { readonly error: DeviceError | undefined } | undefined;

  constructor(settings: PskSettings, listener: DatagramLineListener) {
    this.#settings = settings;
    this.#listener = listener;
  }

  get maxMessageBytes(): number {
    return this.#association === undefined ? 0 : largestMessage;
  }

  async dial(psk: PskCredential, signal: AbortSignal): Promise<PskAssociation> {
    const { gateway, startTimer } = this.#settings;
    return firstToOpen({
      addresses: await addressesOf(gateway),
      startTimer,
      signal,
      open: (address, attempt) => this.#open(address, psk, attempt),
      abandon: (association) => this.abandon(association),
    });
  }

  async #open(address: string, psk: PskCredential, signal: AbortSignal): Promise<PskAssociation> {
    const { gateway, connectTimeoutMs } = this.#settings;
    const { dtls } = await import("node-dtls-client");
    signal.throwIfAborted();
    const socket = dtls.createSocket({
      type: isIPv6(address) ? "udp6" : "udp4",
      address,
      port: gateway.port,
      psk: { [psk.identity]: Buffer.from(psk.exportKey()) },
      // The session's own deadline comes first.
      timeout: connectTimeoutMs * 2,
      ciphers,
    });
    const udp = guarded(socket, address, gateway.port);
    const early: Buffer[] = [];
    const onEarly = (data: Buffer) => {
      if (early.length < mostEarlyMessages) early.push(data);
    };
    const onAbort = () => kill(udp, errorOf(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.on("message", onEarly);
        socket.once("connected", resolve);
        // Stays: an error that nobody listens to would end the process.
        socket.on("error", reject);
        socket.once("close", () => reject(new Error("the server closed the session")));
      });
      return { socket, udp, early };
    } catch (error) {
      signal.throwIfAborted();
      throw dialError(errorOf(error), `${gateway.host}:${gateway.port}`);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  abandon({ udp }: PskAssociation): void {
    kill(udp, new Error("abandoned"));
  }

  attach(association: PskAssociation): void {
    const { socket, early } = association;
    this.#end = undefined;
    this.#association = association;
    socket.on("error", (error: Error) => this.#closed(error));
    socket.on("close", () => this.#closed(undefined));
    this.#listener.accepted({ resumed: false, fingerprint: undefined, protocol: "DTLSv1.2", cipher: "PSK" });
    this.#listener.ready();
    socket.removeAllListeners("message");
    socket.on("message", (data: Buffer) => this.#listener.message(data));
    for (const data of early) this.#listener.message(data);
  }

  send(data: Uint8Array): void {
    try {
      this.#association?.socket.send(Buffer.from(data));
    } catch (error) {
      throw new DeviceError("DEVICE_CONNECTION_LOST", "the connection to the gateway is lost", {
        cause: error,
      });
    }
  }

  disconnect(): void {
    this.#finish({ error: undefined });
  }

  drop(error: DeviceError): void {
    this.#finish({ error });
  }

  end(): void {
    // Each association was closed by itself.
  }

  /** With close_notify where that can still be sent. */
  #finish(end: { readonly error: DeviceError | undefined }): void {
    const association = this.#association;
    if (association === undefined || this.#end !== undefined) return;
    this.#end = end;
    try {
      association.socket.close();
    } catch {
      kill(association.udp, new Error("closed"));
    }
  }

  #closed(error: Error | undefined): void {
    if (this.#association === undefined) return;
    this.#association = undefined;
    const lost = () =>
      new DeviceError(
        "DEVICE_CONNECTION_LOST",
        error === undefined ? "the gateway closed the session" : `the session ended: ${error.message}`,
        { cause: error },
      );
    this.#listener.closed(this.#end === undefined ? lost() : this.#end.error);
  }
}

/**
 * Shows it what comes from the gateway alone, and no application data but protected; what it throws about a datagram
 * ends the association, and not the process.
 */
function guarded(socket: dtls.Socket, address: string, port: number): EventEmitter {
  const udp: unknown = Reflect.get(socket, "udp");
  if (!(udp instanceof EventEmitter)) throw new Error("unreachable: node-dtls-client has a UDP socket");
  const [read] = udp.listeners("message");
  udp.removeAllListeners("message");
  udp.on("message", (datagram: Buffer, from: { readonly address: string; readonly port: number }) => {
    if (from.port !== port || from.address !== address) return;
    const shown = withoutPlaintextData(datagram);
    if (shown.length === 0) return;
    try {
      read?.(shown, from);
    } catch (error) {
      kill(udp, errorOf(error));
    }
  });
  return udp;
}

/** It takes an error of its UDP socket as the end: timers and socket are gone afterwards. */
function kill(udp: EventEmitter, why: Error): void {
  udp.emit("error", why);
}

function dialError(error: Error, where: string): DeviceError {
  const alert = /fatal alert: (\w+)/.exec(error.message)?.[1];
  if (alert === "decrypt_error" || alert === "unknown_psk_identity" || alert === "access_denied") {
    return new DeviceError("DEVICE_REFUSED", `the server at ${where} rejected this device (${alert})`, {
      cause: error,
    });
  }
  if ("code" in error) {
    return new DeviceError("DEVICE_UNREACHABLE", `cannot reach ${where}: ${error.message}`, { cause: error });
  }
  return new DeviceError("DEVICE_TLS_FAILED", `DTLS with ${where} failed: ${error.message}`, {
    cause: error,
  });
}
