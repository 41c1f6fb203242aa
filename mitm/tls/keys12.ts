import { extendedMasterSecret, keyBlock, masterSecret, verifyData } from "../../dtls/crypto/prf.ts";
import type { Suite } from "../../dtls/crypto/suites.ts";
import { RecordKeys } from "./record-keys.ts";
import type { TlsEnd } from "./tls-end.ts";

export interface Terms12 {
  readonly suite: Suite;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
  readonly extendedMasterSecret: boolean;
}

/** The secrets of a TLS 1.2 connection: RFC 5246 §6.3 and §8.1, RFC 7627 §4. */
export class Keys12 {
  readonly terms: Terms12;
  readonly master: Uint8Array;
  readonly client: RecordKeys;
  readonly server: RecordKeys;
  readonly #end: TlsEnd;

  constructor(end: TlsEnd, terms: Terms12, master: Uint8Array) {
    this.#end = end;
    this.terms = terms;
    this.master = master;
    const { suite, clientRandom, serverRandom } = terms;
    const block = keyBlock(suite, master, clientRandom, serverRandom);
    this.client = new RecordKeys("TLS 1.2", suite.aead, block.client.key, block.client.iv);
    this.server = new RecordKeys("TLS 1.2", suite.aead, block.server.key, block.server.iv);
    end.secret("CLIENT_RANDOM", clientRandom, master);
  }

  /** `upTo`: how many messages of the transcript the session hash is over, to ClientKeyExchange (RFC 7627 §3). */
  static derive(end: TlsEnd, terms: Terms12, premaster: Uint8Array, upTo?: number): Keys12 {
    const { suite, clientRandom, serverRandom } = terms;
    const master = terms.extendedMasterSecret
      ? extendedMasterSecret(suite.prfHash, premaster, end.transcript.hash(suite.prfHash, upTo))
      : masterSecret(suite.prfHash, premaster, clientRandom, serverRandom);
    return new Keys12(end, terms, master);
  }

  get own(): RecordKeys {
    return this.#end.role === "client" ? this.client : this.server;
  }

  get peer(): RecordKeys {
    return this.#end.role === "client" ? this.server : this.client;
  }

  /** verify_data over the transcript as it is now. */
  verifyData(sender: "client" | "server"): Uint8Array {
    const { prfHash } = this.terms.suite;
    return verifyData(prfHash, this.master, sender, this.#end.transcript.hash(prfHash));
  }
}
