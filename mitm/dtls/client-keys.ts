import { generateKeyShare, type KeyShare } from "../../dtls/crypto/key-agreement.ts";
import { ecdhePskPremaster, pskPremaster } from "../../dtls/crypto/premaster.ts";
import type { Suite } from "../../dtls/crypto/suites.ts";
import {
  ClientKeyExchangeEcdhe,
  ClientKeyExchangeEcdhePsk,
  ClientKeyExchangePsk,
} from "../../dtls/wire/key-exchange.ts";
import { encode } from "../../dtls/wire/presentation.ts";
import type { Psk } from "./options.ts";
import { groupNamed } from "./terms.ts";

/** A client's half of the key exchange. */
export class ClientKeys {
  readonly #psk: Psk | undefined;
  #own: KeyShare | undefined;
  /** What the server's ServerKeyExchange said. */
  server: { readonly group: number; readonly point: Uint8Array } | undefined;

  constructor(psk: Psk | undefined) {
    this.#psk = psk;
  }

  /** ClientKeyExchange */
  exchange(suite: Suite | undefined): Uint8Array {
    const pskIdentity = this.#psk?.identity ?? new Uint8Array();
    if (suite?.keyExchange === "PSK") return encode(ClientKeyExchangePsk, { pskIdentity });
    const point = this.#share().publicKey;
    if (suite?.keyExchange === "ECDHE_PSK") {
      return encode(ClientKeyExchangeEcdhePsk, { pskIdentity, public: point });
    }
    return encode(ClientKeyExchangeEcdhe, { public: point });
  }

  premaster(suite: Suite | undefined): Uint8Array {
    const psk = this.#psk?.key ?? new Uint8Array();
    if (suite?.keyExchange === "PSK") return pskPremaster(psk);
    // Without a ServerKeyExchange nobody has a secret.
    const shared = this.server === undefined ? new Uint8Array(32) : this.#share().agree(this.server.point);
    return suite?.keyExchange === "ECDHE_PSK" ? ecdhePskPremaster(shared, psk) : shared;
  }

  #share(): KeyShare {
    this.#own ??= generateKeyShare(groupNamed(this.server?.group));
    return this.#own;
  }
}
