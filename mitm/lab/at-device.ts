import type { Socket } from "node:net";
import { broken, type Finding, held, inconclusive } from "../attack.ts";
import { DatagramListener } from "../dtls/datagrams.ts";
import { DtlsServer, type DtlsServerOptions } from "../dtls/server.ts";
import type { Credential, ScriptedEnd } from "../endpoint.ts";
import { NotDelivered } from "../errors.ts";
import type { Forge } from "../mint/forge.ts";
import { RawTcp } from "../path/raw-tcp.ts";
import { RawUdp } from "../path/raw-udp.ts";
import type { DeviceAttempt, DeviceTarget, DialOptions } from "../targets.ts";
import { TlsServer, type TlsServerOptions } from "../tls/server.ts";
import { notRefused, refused } from "./at-gateway.ts";
import type { DeviceLab, ServeOptions } from "./device-lab.ts";
import type { Door } from "./door.ts";
import type { Entry } from "./lab.ts";
import { LabBase, type LabOptions } from "./lab-base.ts";

export interface AtDeviceOptions {
  readonly target: DeviceTarget;
  readonly gateway: Credential;
  readonly forge: Forge;
  readonly door: Door;
}

export class LabAtDevice extends LabBase implements DeviceLab {
  readonly target: DeviceTarget;
  readonly gateway: Credential;
  readonly forge: Forge;
  readonly #door: Door;
  readonly #attempts: DeviceAttempt[] = [];
  #dialOptions: DialOptions | "by itself" | undefined;

  constructor(options: LabOptions, { target, gateway, forge, door }: AtDeviceOptions) {
    super(options);
    this.target = target;
    this.gateway = gateway;
    this.forge = forge;
    this.#door = door;
    // What an earlier case left waiting is not this one's; a device that dials by itself is waited for as it is.
    if (target.dial !== undefined) door.drain();
  }

  async serve(credential: Credential, options: ServeOptions = {}): Promise<Entry> {
    const isOwn = credential === this.gateway;
    this.#dialOptions = options.dial;
    const marks = options.marks ?? (isOwn ? [] : ["Certificate"]);
    const end =
      this.transport === "tls"
        ? await this.acceptTls({ credential, marks, ...options.tls })
        : await this.acceptDtls({ credential, marks, ...options.dtls });
    const result = await end.handshake();
    return result.completed ? await this.trusts(end) : refused(result);
  }

  async acceptTls(options: Partial<TlsServerOptions> = {}): Promise<TlsServer> {
    const server = TlsServer.accept(await this.#tcp(), { ...this.#common, ...options });
    this.defer(() => server.destroy());
    return server;
  }

  async acceptDtls(options: Partial<DtlsServerOptions> = {}): Promise<DtlsServer> {
    const listener = DatagramListener.over(this.#door.shareUdp(), this.#ends);
    this.defer(() => listener.destroy());
    await this.#dial();
    const port = await listener.next(this.#door.arrivalMs, this.signal);
    if (port === undefined)
      throw new NotDelivered(`the device sent no datagram within ${this.#door.arrivalMs / 1_000} s`);
    const server = DtlsServer.accept(port, { ...this.#common, ...options });
    this.defer(() => server.destroy());
    return server;
  }

  async acceptTcp(): Promise<RawTcp> {
    const raw = RawTcp.over(await this.#tcp(), this.#ends);
    this.defer(() => raw.destroy());
    return raw;
  }

  async acceptUdp(): Promise<RawUdp> {
    const raw = RawUdp.over(this.#door.shareUdp(), this.#ends);
    this.defer(() => raw.destroy());
    await this.#dial();
    return raw;
  }

  async trusts(end: ScriptedEnd): Promise<Entry> {
    const deadline = performance.now() + this.patience.answerMs;
    for (;;) {
      const next = await end.receive(Math.max(1, deadline - performance.now()));
      if (next.kind === "data") {
        this.recorder.leaked(next.data.length);
        return {
          admitted: true,
          how: `the device said ${next.data.length} bytes of application data`,
          refusedAt: undefined,
          alert: undefined,
        };
      }
      if (next.kind === "alert" && !next.fatal) continue;
      const how =
        next.kind === "alert"
          ? `alert ${next.alert}`
          : next.kind === "closed"
            ? next.how
            : `silent for ${this.patience.answerMs} ms`;
      return {
        admitted: false,
        how,
        refusedAt: "Finished",
        alert: next.kind === "alert" ? next.alert : undefined,
        ...(next.kind === "closed" && next.byThisEnd && { byThisEnd: true }),
      };
    }
  }

  judge(entry: Entry): Finding {
    if (entry.admitted) return broken(entry.how);
    if (entry.byThisEnd === true) return inconclusive(notRefused(entry));
    return held(entry.how, { refusedAt: entry.refusedAt, alert: entry.alert });
  }

  /** What became of the device's attempts, for the report. */
  async next(): Promise<string | undefined> {
    const last = this.#attempts.at(-1);
    if (last === undefined) return undefined;
    const ended = await Promise.race([last.ended, this.#quiet()]);
    if (ended === undefined) return "went on trying";
    return ended.error === undefined ? undefined : `gave up: ${ended.error}`;
  }

  async #quiet(): Promise<undefined> {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, this.patience.silenceMs);
      this.signal.addEventListener("abort", resolve, { once: true });
      this.defer(() => clearTimeout(timer));
    });
  }

  async #tcp(): Promise<Socket> {
    await this.#dial();
    const arrived = await this.#door.nextTcp(this.signal);
    if (arrived === undefined)
      throw new NotDelivered(`the device did not connect within ${this.#door.arrivalMs / 1_000} s`);
    return arrived;
  }

  async #dial(): Promise<void> {
    if (this.target.dial === undefined || this.#dialOptions === "by itself") return;
    const attempt = await this.target.dial(
      this.transport,
      this.#door.address(this.transport),
      this.#dialOptions,
    );
    this.#attempts.push(attempt);
    this.defer(() => attempt.close());
  }

  get #ends() {
    return { recorder: this.recorder, self: "lab", peer: "device" } as const;
  }

  get #common() {
    return {
      ...this.#ends,
      credential: this.gateway,
      requestCertificate: true,
      tolerates: "everything",
      answerMs: this.patience.answerMs,
    } as const;
  }
}
