import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { Address } from "../endpoint.ts";
import { MitmError } from "../errors.ts";
import type { Patience } from "../lab/lab.ts";
import type { Prng } from "../prng.ts";
import type { Recorder } from "../record/recorder.ts";
import type { PairSession } from "../targets.ts";
import type { PathDatagram } from "./datagram-record.ts";
import { Changes, type End } from "./ends.ts";
import { UdpFlow } from "./udp-flow.ts";
import { UdpSource } from "./udp-source.ts";
import type { Weather } from "./weather.ts";
import { udpSessionOnTheWire } from "./wire-session.ts";

/** What becomes of a datagram. What is left out is as it would have been. */
export interface DatagramFate {
  /** These go on in place of it; an empty list drops it. */
  readonly instead?: readonly Uint8Array[];
  /** How long it is held back, ms; what comes later overtakes it. */
  readonly delayMs?: number;
  /** It goes to the gateway from this address and not from the device's. */
  readonly via?: UdpSource;
  /** What is odd about it, for the transcript: "dropped", "the connection id taken out". */
  readonly note?: string;
}

/** What the relay does with what passes. Without rules it changes nothing. */
export interface UdpRules {
  /** Asked for each datagram in either direction. Undefined leaves it to the weather. */
  readonly datagram?: (datagram: PathDatagram, flow: UdpFlow) => DatagramFate | undefined;
  /** For what an end sends. */
  readonly weather?: Partial<Record<End, Weather>>;
}

export interface UdpPathOptions {
  /** The gateway. */
  readonly upstream: Address;
  /** Where the device sends to; default any free port of 127.0.0.1. */
  readonly listen?: Address | undefined;
  readonly recorder: Recorder;
  readonly prng: Prng;
  readonly patience: Patience;
  readonly rules?: UdpRules | undefined;
  readonly signal: AbortSignal;
}

/** A device that comes from a new port each time must not fill the lab. */
const maxFlows = 64;
const maxSources = 16;

/** Stands between a device and its gateway on UDP, holds no key, and sees DTLS records. */
export class UdpPath implements AsyncDisposable {
  /** From now on, for datagrams that have not passed yet. */
  rules: UdpRules;
  /** One for each address that the device sent from, in order. */
  readonly flows: UdpFlow[] = [];
  readonly #options: UdpPathOptions;
  readonly #front: Socket;
  readonly #byAddress = new Map<string, UdpFlow>();
  readonly #sources: UdpSource[] = [];
  readonly #changes = new Changes();
  #closed = false;
  #upstream: Address;

  private constructor(options: UdpPathOptions, front: Socket) {
    this.#options = options;
    this.#front = front;
    this.rules = options.rules ?? {};
    this.#upstream = options.upstream;
    front.on("message", (datagram, from) => this.#flowOf(from)?.take("device", datagram));
    // ICMP from an end that is gone: the other end notices by silence.
    front.on("error", () => undefined);
  }

  /** Use `openUdpPath`. */
  static async open(options: UdpPathOptions): Promise<UdpPath> {
    const { host, port } = options.listen ?? anywhere;
    return new UdpPath(options, await boundSocket(host, port));
  }

  /** Where the device has to send to. */
  get address(): Address {
    return { host: (this.#options.listen ?? anywhere).host, port: this.#front.address().port };
  }

  /** Flows that begin from now on go to another address in place of the gateway's. */
  divert(to: Address): void {
    this.#upstream = to;
  }

  /** The flow of the newest address. */
  get latest(): UdpFlow | undefined {
    return this.flows.at(-1);
  }

  /** Resolves with whether `holds` came to hold in time; looked at whenever something happens on this path. */
  until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    return this.#changes.until(holds, timeoutMs, this.#options.signal);
  }

  /** The flow with this number, counted from 0; undefined when there is none in time. */
  async flow(nth: number, timeoutMs: number): Promise<UdpFlow | undefined> {
    await this.until(() => this.flows.length > nth, timeoutMs);
    return this.flows[nth];
  }

  /** An address of the lab's own, to send to either end from: an attacker's, or a victim's. */
  async source(): Promise<UdpSource> {
    if (this.#sources.length >= maxSources) throw new RangeError("so many addresses no attack needs");
    const { upstream: gateway, recorder } = this.#options;
    const socket = await boundSocket(hostBeside(gateway), 0);
    const source = new UdpSource({ socket, gateway, recorder, changes: this.#changes });
    this.#sources.push(source);
    return source;
  }

  /** The device's next session, judged from what passes: for a device that the lab cannot command. */
  async sessionOnTheWire(): Promise<PairSession> {
    const { patience, signal } = this.#options;
    return udpSessionOnTheWire({ path: this, nth: this.flows.length, patience, signal });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const flow of this.flows) flow.close();
    for (const source of this.#sources) source.close();
    const closed = once(this.#front, "close");
    this.#front.close();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #flowOf(device: RemoteInfo): UdpFlow | undefined {
    const key = `${device.address} ${device.port}`;
    const known = this.#byAddress.get(key);
    if (known !== undefined || this.flows.length >= maxFlows) return known;
    const { recorder, prng } = this.#options;
    const gateway = this.#upstream;
    const flow = new UdpFlow({
      device: { host: device.address, port: device.port },
      front: this.#front,
      frontAddress: this.address,
      gateway,
      recorder,
      prng,
      rules: () => this.rules,
      changes: this.#changes,
      newSocket: () => createSocket(isIPv6(gateway.host) ? "udp6" : "udp4"),
    });
    this.#byAddress.set(key, flow);
    this.flows.push(flow);
    this.#changes.tell();
    return flow;
  }
}

const anywhere: Address = { host: "127.0.0.1", port: 0 };

/** @throws MitmError MITM_ADDRESS where the port cannot be listened on */
export function openUdpPath(options: UdpPathOptions): Promise<UdpPath> {
  return UdpPath.open(options);
}

/** Where the lab's own addresses have to be bound so that the gateway can answer them. */
function hostBeside(gateway: Address): string {
  if (gateway.host.startsWith("127.")) return "127.0.0.1";
  if (gateway.host === "::1") return "::1";
  return isIPv6(gateway.host) ? "::" : "0.0.0.0";
}

async function boundSocket(host: string, port: number): Promise<Socket> {
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  try {
    socket.bind(port, host);
    await once(socket, "listening");
  } catch (cause) {
    socket.close();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MitmError("MITM_ADDRESS", `the lab cannot take UDP ${host}:${port}: ${why}`, { cause });
  }
  return socket;
}
