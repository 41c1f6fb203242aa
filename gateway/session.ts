import type { Rights } from "./access.ts";
import type { RefusalReason } from "./errors.ts";
import type { SessionInfo } from "./events.ts";
import type { DeviceIdentity } from "./identity.ts";
import type { AuthenticatedPeer } from "./peer.ts";

/** What a peer was found to be when it was let in: see `Gatekeeper`. */
export interface Admitted {
  readonly peer: AuthenticatedPeer;
  readonly identity: DeviceIdentity;
  readonly rights: Rights;
  readonly since: Date;
  /** The registry's change counter, read before the peer was judged. */
  readonly judgedAt: number;
}

/** A peer that was let in, over whichever transport, until it leaves or would not be let in any more. */
export abstract class Session {
  abstract readonly transport: SessionInfo["transport"];
  readonly since: Date;
  peer: AuthenticatedPeer;
  identity: DeviceIdentity;
  rights: Rights;
  /** The registry's change counter, read before the peer was last judged. */
  judgedAt: number;
  /** "session.opened" was told. */
  opened = false;

  constructor({ peer, identity, rights, since, judgedAt }: Admitted) {
    this.peer = peer;
    this.identity = identity;
    this.rights = rights;
    this.since = since;
    this.judgedAt = judgedAt;
  }

  /** The peer's IP address. */
  abstract get address(): string;

  /** It has ended, or is about to: nothing more is asked of it. */
  abstract get ended(): boolean;

  /** Resolves when nothing of the session is held any more. */
  abstract readonly released: Promise<void>;

  /** Ends the session of a peer that has no rights any more, at once. */
  abstract kick(reason: RefusalReason, detail: string): void;

  info(): SessionInfo {
    const { kind, id, group, fingerprint, notAfter } = this.identity;
    return {
      transport: this.transport,
      kind,
      deviceId: id,
      clientId: "",
      ...(group === undefined ? {} : { group }),
      fingerprint,
      address: this.address,
      since: this.since,
      certificateNotAfter: notAfter,
      resumed: this.peer.resumed,
    };
  }
}
