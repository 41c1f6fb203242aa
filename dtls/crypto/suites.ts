import { CipherSuite } from "../wire/registry.ts";
import { type AeadAlgorithm, aeadAlgorithms } from "./aead.ts";

export type KeyExchange = "ECDHE_ECDSA" | "ECDHE_RSA" | "ECDHE_PSK" | "PSK";
export type PrfHash = "sha256" | "sha384";
export type SuiteName = Exclude<keyof typeof CipherSuite, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV">;

export interface Suite {
  readonly id: number;
  /** IANA's name. */
  readonly name: SuiteName;
  /** The name that OpenSSL gives it, or would give it. */
  readonly opensslName: string;
  readonly keyExchange: KeyExchange;
  readonly aead: AeadAlgorithm;
  /** RFC 5246 §5: SHA-256, but where the suite's name says otherwise. */
  readonly prfHash: PrfHash;
}

/**
 * All suites, best first. RFC 9325 §4.1: forward secrecy before speed; an 8-byte tag (RFC 9147 §4.5.3) after the full
 * ones. No CBC, no static RSA: what is not here cannot be negotiated.
 */
export const suites: readonly Suite[] = [
  // RFC 5289 §3.2, RFC 7905 §2, RFC 7251 §2
  suite("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", "AES_128_GCM"),
  suite("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", "AES_256_GCM"),
  suite(
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "CHACHA20_POLY1305",
  ),
  suite("TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "ECDHE-ECDSA-AES128-CCM", "AES_128_CCM"),
  suite("TLS_ECDHE_ECDSA_WITH_AES_256_CCM", "ECDHE-ECDSA-AES256-CCM", "AES_256_CCM"),
  suite("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "AES_128_GCM"),
  suite("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "AES_256_GCM"),
  suite("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", "CHACHA20_POLY1305"),
  // RFC 8442 §3, RFC 7905 §2
  suite("TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", "ECDHE-PSK-AES128-GCM-SHA256", "AES_128_GCM"),
  suite("TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384", "ECDHE-PSK-AES256-GCM-SHA384", "AES_256_GCM"),
  suite("TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-PSK-CHACHA20-POLY1305", "CHACHA20_POLY1305"),
  suite("TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", "ECDHE-PSK-AES128-CCM", "AES_128_CCM"),
  suite("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "ECDHE-ECDSA-AES128-CCM8", "AES_128_CCM_8"),
  suite("TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", "ECDHE-ECDSA-AES256-CCM8", "AES_256_CCM_8"),
  suite("TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", "ECDHE-PSK-AES128-CCM8", "AES_128_CCM_8"),
  // RFC 5487 §2, RFC 7905 §2, RFC 6655 §3
  suite("TLS_PSK_WITH_AES_128_GCM_SHA256", "PSK-AES128-GCM-SHA256", "AES_128_GCM"),
  suite("TLS_PSK_WITH_AES_256_GCM_SHA384", "PSK-AES256-GCM-SHA384", "AES_256_GCM"),
  suite("TLS_PSK_WITH_CHACHA20_POLY1305_SHA256", "PSK-CHACHA20-POLY1305", "CHACHA20_POLY1305"),
  suite("TLS_PSK_WITH_AES_128_CCM", "PSK-AES128-CCM", "AES_128_CCM"),
  suite("TLS_PSK_WITH_AES_256_CCM", "PSK-AES256-CCM", "AES_256_CCM"),
  suite("TLS_PSK_WITH_AES_128_CCM_8", "PSK-AES128-CCM8", "AES_128_CCM_8"),
  suite("TLS_PSK_WITH_AES_256_CCM_8", "PSK-AES256-CCM8", "AES_256_CCM_8"),
];

export function suiteById(id: number): Suite | undefined {
  return byId.get(id);
}

/** By IANA's name or by OpenSSL's. */
export function suiteByName(name: string): Suite | undefined {
  return byName.get(name);
}

const byId: ReadonlyMap<number, Suite> = new Map(suites.map((suite) => [suite.id, suite]));
const byName: ReadonlyMap<string, Suite> = new Map(
  suites.flatMap((suite) => [
    [suite.name, suite],
    [suite.opensslName, suite],
  ]),
);

function suite(name: SuiteName, opensslName: string, aead: keyof typeof aeadAlgorithms): Suite {
  return {
    id: CipherSuite[name],
    name,
    opensslName,
    keyExchange: keyExchangeOf(name),
    aead: aeadAlgorithms[aead],
    prfHash: name.endsWith("_SHA384") ? "sha384" : "sha256",
  };
}

function keyExchangeOf(name: SuiteName): KeyExchange {
  if (name.startsWith("TLS_ECDHE_ECDSA_")) return "ECDHE_ECDSA";
  if (name.startsWith("TLS_ECDHE_RSA_")) return "ECDHE_RSA";
  return name.startsWith("TLS_ECDHE_PSK_") ? "ECDHE_PSK" : "PSK";
}
