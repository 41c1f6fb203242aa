import { GatewayError, refusalReasons } from "./errors.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import { identify } from "./identity.ts";
import type { Session } from "./session.ts";

export interface SessionJudgeOptions {
  readonly gatekeeper: Gatekeeper;
  /** The sessions of this moment, over all transports. */
  readonly sessions: () => Iterable<Session>;
  /** A session was ended because its peer would not be let in now. */
  readonly onKicked: (session: Session) => void;
  /** The registry failed; that says nothing about the session. */
  readonly onRegistryError: (error: unknown) => void;
}

/** Judges sessions that are open already, and ends those whose peers would not be let in now. */
export class SessionJudge {
  readonly #options: SessionJudgeOptions;

  constructor(options: SessionJudgeOptions) {
    this.#options = options;
  }

  /**
   * Judges a session by the registry of now; ends it and throws when it would not be let in. An error that is no
   * GatewayError comes from the registry.
   */
  judge(session: Session): void {
    const { registry, trustDomain, now, access } = this.#options.gatekeeper.settings;
    const judgedAt = registry.recentCounter();
    try {
      const identity = identify(session.peer, registry, now(), trustDomain);
      if (identity.group !== session.identity.group) session.rights = access.rightsOf(identity);
      session.identity = identity;
      session.judgedAt = judgedAt;
    } catch (error) {
      if (error instanceof GatewayError) this.#kick(session, error);
      throw error;
    }
  }

  /** As `judge`, for a session that was judged a moment ago: nothing is asked where nothing changed. */
  judgeIfChanged(session: Session): void {
    const { now, registry } = this.#options.gatekeeper.settings;
    const expired = now().getTime() > session.identity.notAfter.getTime();
    if (expired || registry.changeCounter() !== session.judgedAt) this.judge(session);
  }

  /** One judgement for each session. They throw what the registry throws. */
  *subjects(): Generator<() => void> {
    for (const session of this.#options.sessions()) {
      if (session.ended) continue;
      yield () => {
        try {
          this.judge(session);
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error;
        }
      };
    }
  }

  endExpired(): void {
    const now = this.#options.gatekeeper.settings.now().getTime();
    for (const session of this.#options.sessions()) {
      if (now > session.identity.notAfter.getTime() && !session.ended) {
        session.kick("certificate_expired", refusalReasons.certificate_expired);
      }
    }
  }

  /** Judges every session by new anchors, lists and policy, in slices. */
  async judgeAll(): Promise<{ readonly kept: number; readonly closed: number }> {
    const count = { kept: 0, closed: 0 };
    const { trust } = this.#options.gatekeeper;
    for (const session of this.#options.sessions()) {
      if (session.ended) continue;
      const kept = this.#judgeBy(trust, session);
      count[kept ? "kept" : "closed"] += 1;
      if ((count.kept + count.closed) % 100 === 0)
        await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return count;
  }

  #judgeBy(trust: Gatekeeper["trust"], session: Session): boolean {
    try {
      session.rights = this.#options.gatekeeper.settings.access.rightsOf(session.identity);
      session.peer = session.peer.judgedAgain(trust);
      this.judge(session);
      return true;
    } catch (error) {
      if (error instanceof GatewayError) {
        this.#kick(session, error);
        return false;
      }
      this.#options.onRegistryError(error);
      return true;
    }
  }

  #kick(session: Session, error: GatewayError): void {
    session.kick(error.reason ?? "certificate_refused", error.message);
    this.#options.onKicked(session);
  }
}
