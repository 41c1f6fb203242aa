import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { generate } from "mqtt-packet";
import type { Transport } from "../attack.ts";
import { DtlsClient } from "../dtls/client.ts";
import type { Address, Credential, ScriptedEnd } from "../endpoint.ts";
import type { LabPki } from "../mint/lab-pki.ts";
import { Recorder } from "../record/recorder.ts";
import type { DeviceAttempt, DeviceTarget, DialOptions } from "../targets.ts";
import { statusRequest } from "../tls/certificate-status.ts";
import { TlsClient } from "../tls/client.ts";
import { twinTlsOffer } from "./tls-offer.ts";
import { twinVerifier, type Verifier } from "./verify.ts";

/** What the twin takes its gateway for: a name with labels enough for a wildcard to go wrong in each of them. */
const twinGatewayName = "gateway.site.lab.test";

const deviceId = "pump-1";
/** After so many refusals in a row a twin may become careless. */
const patienceOfTheWeak = 3;
/** Between two attempts of a device that keeps trying. */
const retryMs = 20;
/** For the next message of the gateway. */
const answerMs = 1_500;

const connectPacket = generate({
  cmd: "connect",
  clientId: deviceId,
  clean: true,
  keepalive: 60,
  protocolId: "MQTT",
  protocolVersion: 4,
});

/**
 * A device for the lab to try itself on: it pins, knows names and times and revocation, and says CONNECT (a datagram,
 * over DTLS) to whom it trusts. It leaves out the checks whose weaknesses it tolerates.
 */
export async function twinDevice(pki: LabPki, tolerates: ReadonlySet<string>): Promise<DeviceTarget> {
  const pins = await pki.pins();
  const twin = new TwinDevice(pki, await pki.device(deviceId), pins, tolerates);
  return {
    name: tolerates.size === 0 ? "strict twin" : `twin that lacks ${[...tolerates].join(", ")}`,
    transports: ["tls", "dtls"],
    serverNames: [twinGatewayName],
    dial: (transport, to, options) => twin.dial(transport, to, options),
    takesRevocationLists: true,
    knowsRevocation: true,
    pins: true,
    pinnedKeys: pins,
  };
}

class TwinDevice {
  readonly #pki: LabPki;
  readonly #credential: Credential;
  readonly #pins: readonly string[];
  readonly #tolerates: ReadonlySet<string>;
  #failures = 0;
  #lastError: string | undefined;

  constructor(pki: LabPki, credential: Credential, pins: readonly string[], tolerates: ReadonlySet<string>) {
    this.#pki = pki;
    this.#credential = credential;
    this.#pins = pins;
    this.#tolerates = tolerates;
  }

  async dial(transport: Transport, to: Address, options: DialOptions = {}): Promise<DeviceAttempt> {
    let current = await this.#attempt(transport, to, options);
    if (options.keepsTrying !== true) return current;
    const closed = new AbortController();
    const ended = (async () => {
      for (;;) {
        const result = await current.ended;
        if (closed.signal.aborted || result.opened) return result;
        await pause(retryMs, closed.signal);
        if (closed.signal.aborted) return result;
        current = await this.#attempt(transport, to, options);
      }
    })();
    return {
      ended,
      close: async () => {
        this.#failures = 0;
        closed.abort();
        await current.close();
        await ended.catch(() => undefined);
      },
    };
  }

  async #attempt(transport: Transport, to: Address, options: DialOptions): Promise<DeviceAttempt> {
    const isTired = this.#failures >= patienceOfTheWeak;
    const sawClear = this.#lastError?.startsWith("not a TLS record") === true;
    if (sawClear && this.#tolerates.has("plaintext-after-plaintext-answer")) return sayInClear(transport, to);
    if (isTired && this.#tolerates.has("plaintext-after-failures")) return sayInClear(transport, to);
    const verifyPeer: Verifier =
      isTired && this.#tolerates.has("trusts-after-failures")
        ? () => undefined
        : twinVerifier({
            purpose: "serverAuth",
            anchors: this.#pki.anchors,
            serverNames: [twinGatewayName],
            revocationLists: options.revocationLists,
            pins: this.#pins,
            tolerates: this.#tolerates,
          });
    const common = {
      recorder: new Recorder(),
      self: "device",
      peer: "gateway",
      credential: this.#credential,
      serverName: twinGatewayName,
      tolerates: this.#tolerates,
      answerMs,
      verifyPeer,
    } as const;
    const end =
      transport === "tls"
        ? await TlsClient.connect(to, {
            ...common,
            ...twinTlsOffer(this.#tolerates, this.#failures),
            extensions: [statusRequest],
          })
        : await DtlsClient.connect(to, common);
    const ended = this.#session(end, transport);
    return {
      ended,
      close: async () => {
        end.destroy();
        await ended;
      },
    };
  }

  async #session(end: ScriptedEnd, transport: Transport): Promise<{ opened: boolean; error?: string }> {
    const result = await end.handshake();
    if (!result.completed) {
      this.#failures += 1;
      this.#lastError = result.how;
      end.destroy();
      return { opened: false, error: result.how };
    }
    this.#failures = 0;
    end.send(transport === "tls" ? connectPacket : Buffer.from("21.5"));
    for (;;) {
      const next = await end.receive(10_000);
      if (next.kind === "data" || (next.kind === "alert" && !next.fatal)) continue;
      end.destroy();
      return { opened: true };
    }
  }
}

/** What a device does that would rather be unprotected than alone; nobody answers, so it will do it again. */
async function sayInClear(transport: Transport, to: Address): Promise<DeviceAttempt> {
  const given = { opened: false, error: "no answer to what was said in clear" };
  if (transport === "dtls") {
    const socket = createSocket("udp4");
    socket.send("21.5", to.port, to.host, () => socket.close());
    const ended = once(socket, "close").then(() => given);
    return { ended, close: async () => void (await ended) };
  }
  const socket = connect(to.port, to.host);
  socket.on("error", () => undefined);
  socket.write(connectPacket);
  const ended = once(socket, "close").then(() => given);
  return {
    ended,
    close: async () => {
      socket.destroy();
      await ended;
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    const wake = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", wake, { once: true });
  });
}
