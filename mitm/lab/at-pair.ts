import { NotApplicable } from "../errors.ts";
import { openTcpPath, type TcpPath, type TcpRules } from "../path/tcp-proxy.ts";
import { openUdpPath, type UdpPath, type UdpRules } from "../path/udp-relay.ts";
import type { PairSession, PairTarget } from "../targets.ts";
import { LabBase, type LabOptions } from "./lab-base.ts";
import type { PairLab } from "./pair-lab.ts";

/** Where a device that dials by itself comes in. */
export interface ListenPlace {
  readonly host: string;
  readonly tcpPort: number;
  readonly udpPort: number;
}

export class LabAtPair extends LabBase implements PairLab {
  readonly target: PairTarget;
  readonly #listen: ListenPlace | undefined;

  constructor(options: LabOptions, target: PairTarget, listen: ListenPlace | undefined) {
    super(options);
    this.target = target;
    this.#listen = listen;
  }

  async tcpPath(rules: TcpRules = {}): Promise<TcpPath> {
    const upstream = this.target.gateway.tls;
    if (upstream === undefined) throw new NotApplicable("the pair does not speak TLS");
    const { host = "127.0.0.1", tcpPort: port = 0 } = this.#listen ?? {};
    const path = await openTcpPath({ upstream, listen: { host, port }, rules, ...this.#surroundings });
    this.defer(() => path.close());
    return path;
  }

  async udpPath(rules: UdpRules = {}): Promise<UdpPath> {
    const upstream = this.target.gateway.dtls;
    if (upstream === undefined) throw new NotApplicable("the pair does not speak DTLS");
    const { host = "127.0.0.1", udpPort: port = 0 } = this.#listen ?? {};
    const path = await openUdpPath({ upstream, listen: { host, port }, rules, ...this.#surroundings });
    this.defer(() => path.close());
    return path;
  }

  async session(path: TcpPath | UdpPath): Promise<PairSession> {
    const session =
      this.target.dial === undefined
        ? await path.sessionOnTheWire()
        : await this.target.dial(this.transport, path.address);
    this.defer(() => session.close());
    return session;
  }

  async exchange(session: PairSession, from: "device" | "gateway" = "device"): Promise<boolean> {
    const got = () => (from === "device" ? session.gatewayGot : session.deviceGot);
    const text = `text ${Buffer.from(this.prng.bytes(6)).toString("hex")}`;
    if (got() === undefined || !say(session, from, text)) {
      throw new NotApplicable(`the lab has no hand in what the ${from} says`);
    }
    const deadline = performance.now() + this.patience.answerMs;
    while (performance.now() < deadline && !this.signal.aborted) {
      const times = got()?.filter((each) => each === text).length ?? 0;
      if (times > 0) return times === 1;
      if (!session.isOpen) return false;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    return false;
  }

  get #surroundings() {
    const { recorder, prng, patience, signal } = this;
    return { recorder, prng, patience, signal };
  }
}

/** False where that end is not the lab's to command. */
function say(session: PairSession, from: "device" | "gateway", text: string): boolean {
  if (from === "device") {
    if (session.deviceSays === undefined) return false;
    session.deviceSays(text);
    return true;
  }
  if (session.gatewaySays === undefined) return false;
  session.gatewaySays(text);
  return true;
}

const pollMs = 5;
