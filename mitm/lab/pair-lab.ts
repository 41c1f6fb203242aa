import type { TcpPath, TcpRules } from "../path/tcp-proxy.ts";
import type { UdpPath, UdpRules } from "../path/udp-relay.ts";
import type { PairSession, PairTarget } from "../targets.ts";
import type { Lab } from "./lab.ts";

/** The lab between a device and its gateway: it holds no key of either. */
export interface PairLab extends Lab {
  readonly target: PairTarget;

  /** Puts a TCP proxy with these rules on the path. `lab.transport` must be "tls". */
  tcpPath(rules?: TcpRules): Promise<TcpPath>;
  /** Puts a UDP relay with these rules on the path. `lab.transport` must be "dtls". */
  udpPath(rules?: UdpRules): Promise<UdpPath>;
  /** The device's next session through the path: started where the lab can, awaited where not. */
  session(path: TcpPath | UdpPath): Promise<PairSession>;
  /**
   * Sends a fresh text from the device to the gateway (or back) and tells whether it arrived, once and unchanged.
   * @throws NotApplicable where the ends are not the lab's to command
   */
  exchange(session: PairSession, from?: "device" | "gateway"): Promise<boolean>;
}
