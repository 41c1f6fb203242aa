import type { ExportedPeer } from "../handshake/peer.ts";
import type { Terms } from "../handshake/step.ts";
import type { OpenerState, SealerState } from "../record/protection.ts";
import type { Address } from "./settings.ts";

/** An established association as plain data. It holds keys: keep it encrypted, and import it once. */
export interface AssociationState {
  readonly role: "client" | "server";
  readonly address: Address;
  readonly terms: Terms;
  readonly masterSecret: Uint8Array;
  readonly sealer: SealerState;
  readonly opener: OpenerState;
  readonly peer: ExportedPeer | undefined;
  readonly resumed: boolean;
}
