import type { RefusalReason } from "./errors.ts";
import type { EmitEvent, Refused } from "./events.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import type { DeviceRegistry } from "./identity.ts";
import type { SessionJudge } from "./session-judge.ts";

/** What the transports of one gateway have in common. */
export interface GatewayContext {
  readonly gatekeeper: Gatekeeper;
  readonly judge: SessionJudge;
  /** The one that the gateway was given, with nothing remembered. */
  readonly registry: DeviceRegistry;
  readonly emit: EmitEvent;
  /** Is anybody listening? An event for each message is made for nobody otherwise. */
  readonly observed: () => boolean;
  readonly refused: (reason: RefusalReason, detail: string, about: Refused) => void;
  readonly warn: (detail: string, cause?: unknown) => void;
  readonly onRegistryError: (error: unknown) => void;
}
