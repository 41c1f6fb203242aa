import { identify } from "./identity.ts";
import type { GatewaySettings } from "./options.ts";
import type { AuthenticatedPeer } from "./peer.ts";
import type { RememberedRegistry } from "./remembered-registry.ts";
import type { Admitted } from "./session.ts";
import type { Trust } from "./trust.ts";

/** The gateway's settings, with the registry that peers are judged by. */
export interface JudgingSettings extends GatewaySettings {
  readonly registry: RememberedRegistry;
}

/** Says who may come in, by the settings and the trust of now: a reload replaces both. */
export class Gatekeeper {
  #settings: JudgingSettings;
  #trust: Trust;

  constructor(settings: JudgingSettings, trust: Trust) {
    this.#settings = settings;
    this.#trust = trust;
  }

  get settings(): JudgingSettings {
    return this.#settings;
  }

  get trust(): Trust {
    return this.#trust;
  }

  replace(settings: JudgingSettings, trust: Trust): void {
    this.#settings = settings;
    this.#trust = trust;
  }

  /** @throws GatewayError GATEWAY_REFUSED with the reason; any other error comes from the registry */
  admit(peer: AuthenticatedPeer): Admitted {
    const { registry, trustDomain, now, access } = this.#settings;
    // Read first: a change while the peer is judged has it judged again.
    const judgedAt = registry.recentCounter();
    const identity = identify(peer, registry, now(), trustDomain);
    return { peer, identity, rights: access.rightsOf(identity), since: now(), judgedAt };
  }
}
