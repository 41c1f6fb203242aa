import type { ExporterSecrets } from "../crypto/prf.ts";
import type { Terms } from "../handshake/step.ts";

const masterLength = 48;
const randomLength = 32;

/**
 * What keying material is exported from (RFC 5705), in one piece of memory: an association keeps it for as long as it
 * lives, and there may be many.
 */
export class Secrets {
  /** master_secret, client_random, server_random. */
  readonly #bytes = new Uint8Array(masterLength + 2 * randomLength);

  /** `masterSecret` stays the caller's: a session may be resumed by it. */
  constructor({ clientRandom, serverRandom }: Terms, masterSecret: Uint8Array) {
    this.#bytes.set(masterSecret);
    this.#bytes.set(clientRandom, masterLength);
    this.#bytes.set(serverRandom, masterLength + randomLength);
  }

  /** Views: whoever keeps them copies. */
  get parts(): Omit<ExporterSecrets, "hash"> {
    const randomsAt = masterLength;
    return {
      master: this.#bytes.subarray(0, masterLength),
      clientRandom: this.#bytes.subarray(randomsAt, randomsAt + randomLength),
      serverRandom: this.#bytes.subarray(randomsAt + randomLength),
    };
  }

  wipe(): void {
    this.#bytes.fill(0);
  }
}

/** The terms of an association that is established: what only its handshake needed is left out. */
export type KeptTerms = Omit<Terms, "clientRandom" | "serverRandom" | "sessionId">;

export function keptTerms(terms: Terms): KeptTerms {
  const { clientRandom: _client, serverRandom: _server, sessionId: _session, ...kept } = terms;
  return kept;
}
