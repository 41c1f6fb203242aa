import type { KeyExchange } from "../../dtls/crypto/suites.ts";
import {
  ServerEcdhParams,
  ServerKeyExchangeEcdhe,
  ServerKeyExchangeEcdhePsk,
} from "../../dtls/wire/key-exchange.ts";
import { decode, encode } from "../../dtls/wire/presentation.ts";
import { Refusal } from "./refusal.ts";
import { keyOfCertificate, verifies } from "./signing.ts";
import type { Tolerance } from "./tolerance.ts";

/** What a ServerKeyExchange says. */
export interface ServerKeyExchange {
  readonly key?: { readonly group: number; readonly point: Uint8Array };
  readonly signed?: SignedParams;
}

export interface SignedParams {
  readonly params: Uint8Array;
  readonly algorithm: number;
  readonly signature: Uint8Array;
}

/** @throws DtlsError DTLS_DECODE_ERROR */
export function readServerKeyExchange(keyExchange: KeyExchange, body: Uint8Array): ServerKeyExchange {
  if (keyExchange === "PSK") return {};
  if (keyExchange === "ECDHE_PSK") {
    const { params } = decode("ServerKeyExchange", ServerKeyExchangeEcdhePsk, body);
    return { key: { group: params.namedGroup, point: Uint8Array.from(params.public) } };
  }
  const { params, algorithm, signature } = decode("ServerKeyExchange", ServerKeyExchangeEcdhe, body);
  return {
    key: { group: params.namedGroup, point: Uint8Array.from(params.public) },
    signed: { params: encode(ServerEcdhParams, params), algorithm, signature: Uint8Array.from(signature) },
  };
}

/** RFC 8422 §5.4: client_random + server_random + params are signed, by the key of the server's certificate. */
export function verifyServerKeyExchange(
  { params, algorithm, signature }: SignedParams,
  chain: readonly Uint8Array[],
  {
    randoms,
    offered,
    tolerance,
  }: {
    readonly randoms: readonly Uint8Array[];
    readonly offered: readonly number[];
    readonly tolerance: Tolerance;
  },
): void {
  if (!offered.includes(algorithm) && tolerance.holds("unoffered-signature-scheme")) {
    throw Refusal.byThisEnd("illegal_parameter", `signature scheme ${algorithm} was not offered`);
  }
  if (!tolerance.holds("server-key-exchange-not-verified")) return;
  const [leaf] = chain;
  if (leaf === undefined) {
    if (tolerance.holds("certificate-message-not-required")) {
      throw Refusal.byThisEnd("unexpected_message", "no certificate to verify with");
    }
    return;
  }
  const key = keyOfCertificate(leaf);
  if (key === undefined) throw Refusal.byThisEnd("bad_certificate", "the certificate's key cannot be read");
  if (!verifies(key, algorithm, Buffer.concat([...randoms, params]), signature)) {
    throw Refusal.byThisEnd("decrypt_error", "the signature of ServerKeyExchange does not verify");
  }
}
