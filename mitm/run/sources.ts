import type { Transport } from "../attack.ts";
import type { Credential } from "../endpoint.ts";
import type { Door } from "../lab/door.ts";
import type { Forge } from "../mint/forge.ts";
import type { DeviceTarget, GatewayTarget, PairTarget } from "../targets.ts";
import type { Case } from "./case.ts";

interface SourceInfo {
  readonly name: string;
  /** What the report says of where it is: "127.0.0.1:8883 (MQTT over TLS)". */
  readonly endpoints: readonly string[];
  readonly transports: readonly Transport[];
  /** How many may be attacked at once; 1 for what there is only one of. */
  readonly lanes: number;
  /** A new target for each case, made for it: the twins of the self-test. */
  readonly perCase?: boolean;
  /** Starts the target again, where the lab can: for one that serves nobody any more after an attack. */
  readonly restart?: () => Promise<void>;
  /** It serves one peer and no second one: it is started again before each attempt. */
  readonly servesOnce?: boolean;
}

/**
 * Where the runner gets a target from, one for each lane: what belongs to the lab (our own gateway, a twin) can be had
 * several times, so that cases run beside each other without disturbing each other.
 */
export interface GatewaySource extends SourceInfo {
  readonly side: "gateway";
  open(one: Case): Promise<OpenGateway>;
}

export interface OpenGateway {
  readonly target: GatewayTarget;
  /** Undefined: the lab has no CA that the target trusts. */
  readonly forge: Forge | undefined;
}

export interface DeviceSource extends SourceInfo {
  readonly side: "device";
  open(one: Case): Promise<OpenDevice>;
}

export interface OpenDevice {
  readonly target: DeviceTarget;
  readonly forge: Forge;
  /** What an honest gateway shows to this device. */
  readonly gateway: Credential;
  /** Where the device comes in. The lane closes it. */
  readonly door: Door;
}

export interface PairSource extends SourceInfo {
  readonly side: "pair";
  open(one: Case): Promise<OpenPair>;
}

export interface OpenPair {
  readonly target: PairTarget;
  /** Where a device that dials by itself comes in; left out, the lab takes free ports on loopback. */
  readonly listen?: { readonly host: string; readonly tcpPort: number; readonly udpPort: number };
}

export type Source = GatewaySource | DeviceSource | PairSource;
