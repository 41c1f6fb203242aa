import { generateKeyShare, type KeyShare } from "../../dtls/crypto/key-agreement.ts";
import { ecdhePskPremaster, pskPremaster } from "../../dtls/crypto/premaster.ts";
import type { Suite } from "../../dtls/crypto/suites.ts";
import type { ClientExtensions } from "../../dtls/wire/extensions.ts";
import {
  ClientKeyExchangeEcdhe,
  ClientKeyExchangeEcdhePsk,
  ClientKeyExchangePsk,
  ServerEcdhParams,
  ServerKeyExchangeEcdhe,
  ServerKeyExchangeEcdhePsk,
  ServerKeyExchangePsk,
} from "../../dtls/wire/key-exchange.ts";
import { decode, encode } from "../../dtls/wire/presentation.ts";
import { ECCurveType, NamedGroup } from "../../dtls/wire/registry.ts";
import type { DtlsOptions } from "./options.ts";
import { Refusal } from "./refusal.ts";
import { defaultSchemes, schemeFor, signWith } from "./signing.ts";
import { defaultGroups, groupNamed } from "./terms.ts";
import type { Tolerance } from "./tolerance.ts";

interface ServerKeyOptions extends Pick<DtlsOptions, "credential" | "groups"> {
  readonly psk?: ((identity: Uint8Array) => Uint8Array | undefined) | undefined;
}

/** A server's half of the key exchange. */
export class ServerKeys {
  readonly #options: ServerKeyOptions;
  readonly #tolerance: Tolerance;
  #own: KeyShare | undefined;
  /** Whether the client was told of it. */
  isShown = false;
  /** What a client with a pre-shared key called itself. */
  identity: Uint8Array | undefined;

  constructor(options: ServerKeyOptions, tolerance: Tolerance) {
    this.#options = options;
    this.#tolerance = tolerance;
  }

  /** ServerKeyExchange, signed over these randoms. */
  exchange(suite: Suite | undefined, client: ClientExtensions, randoms: readonly Uint8Array[]): Uint8Array {
    const pskIdentityHint = new Uint8Array();
    if (suite?.keyExchange === "PSK") return encode(ServerKeyExchangePsk, { pskIdentityHint });
    const share = this.#share(client.supportedGroups);
    const params = { curveType: ECCurveType.named_curve, namedGroup: share.group, public: share.publicKey };
    if (suite?.keyExchange === "ECDHE_PSK") {
      return encode(ServerKeyExchangeEcdhePsk, { pskIdentityHint, params });
    }
    const key = this.#options.credential?.key;
    if (key === undefined) {
      return encode(ServerKeyExchangeEcdhe, { params, algorithm: 0x0403, signature: new Uint8Array(71) });
    }
    const algorithm = schemeFor(key, client.signatureAlgorithms ?? defaultSchemes);
    const signed = Buffer.concat([...randoms, encode(ServerEcdhParams, params)]);
    return encode(ServerKeyExchangeEcdhe, { params, algorithm, signature: signWith(key, algorithm, signed) });
  }

  /** What the client's ClientKeyExchange comes to. @throws Refusal for an identity that nobody has */
  premaster(suite: Suite | undefined, body: Uint8Array): Uint8Array {
    if (suite?.keyExchange === "PSK") {
      return pskPremaster(this.#pskOf(decode("ClientKeyExchange", ClientKeyExchangePsk, body).pskIdentity));
    }
    if (suite?.keyExchange === "ECDHE_PSK") {
      const { public: point, pskIdentity } = decode("ClientKeyExchange", ClientKeyExchangeEcdhePsk, body);
      return ecdhePskPremaster(this.#share().agree(point), this.#pskOf(pskIdentity));
    }
    const { public: point } = decode("ClientKeyExchange", ClientKeyExchangeEcdhe, body);
    // Without a ServerKeyExchange nobody has a secret.
    return this.isShown ? this.#share().agree(point) : new Uint8Array(32);
  }

  #pskOf(identity: Uint8Array): Uint8Array {
    this.identity = Uint8Array.from(identity);
    const key = this.#options.psk?.(this.identity);
    if (key !== undefined) return key;
    if (this.#tolerance.holds("psk-without-key")) {
      throw Refusal.byThisEnd("decrypt_error", "no key belongs to the identity");
    }
    return new Uint8Array();
  }

  #share(offered: readonly number[] = [NamedGroup.secp256r1]): KeyShare {
    const { groups = defaultGroups } = this.#options;
    const group = groups.find((candidate) => offered.includes(candidate)) ?? groups[0];
    this.#own ??= generateKeyShare(groupNamed(group));
    return this.#own;
  }
}
