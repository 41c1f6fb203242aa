import type { Environment } from "../../../dtls/association/settings.ts";
import { generateKeyShare, type KeyShare } from "../../../dtls/crypto/key-agreement.ts";
import type { NamedGroup } from "../../../dtls/wire/registry.ts";
import type { Prng } from "../../../mitm/prng.ts";

export interface FakeEnvironmentOptions {
  /** Milliseconds; most often that of a Simulation. */
  readonly now: () => number;
  readonly prng: Prng;
  /**
   * "fresh": made by node:crypto, as in production. "pooled": from a few that the process made once, with what two of
   * them agree on remembered, so that a handshake costs no point multiplication.
   */
  readonly keyShares: "fresh" | "pooled";
}

/** The calendar at the fake clock's zero. */
export const startOfTime = Date.UTC(2026, 10, 23, 12);

/** An association's clock and randomness, out of a seed. */
export class FakeEnvironment implements Environment {
  readonly #options: FakeEnvironmentOptions;

  constructor(options: FakeEnvironmentOptions) {
    this.#options = options;
  }

  now(): number {
    return this.#options.now();
  }

  wallClock(): number {
    return startOfTime + this.#options.now();
  }

  random(length: number): Uint8Array {
    return this.#options.prng.bytes(length);
  }

  generateKeyShare(group: NamedGroup): KeyShare {
    if (this.#options.keyShares === "fresh") return generateKeyShare(group);
    return this.#options.prng.pick(poolOf(group));
  }
}

const poolSize = 4;
const pools = new Map<NamedGroup, KeyShare[]>();

function poolOf(group: NamedGroup): KeyShare[] {
  let pool = pools.get(group);
  if (pool === undefined) {
    pool = Array.from({ length: poolSize }, () => remembering(generateKeyShare(group)));
    pools.set(group, pool);
  }
  return pool;
}

/** Remembers what it agreed on with other shares of the pool; with anything else it computes, and may throw, anew. */
function remembering(share: KeyShare): KeyShare {
  const agreed = new Map<string, Uint8Array>();
  return {
    group: share.group,
    publicKey: share.publicKey,
    agree(peerPublicKey) {
      const peer = Buffer.from(peerPublicKey).toString("latin1");
      const known = agreed.get(peer);
      // A copy: whoever wipes a secret after use must not wipe it here.
      if (known !== undefined) return Uint8Array.from(known);
      const secret = share.agree(peerPublicKey);
      if (poolOf(share.group).some(({ publicKey }) => Buffer.compare(publicKey, peerPublicKey) === 0)) {
        agreed.set(peer, Uint8Array.from(secret));
      }
      return secret;
    },
  };
}
