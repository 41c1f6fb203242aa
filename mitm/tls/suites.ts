import { type AeadAlgorithm, aeadAlgorithms } from "../../dtls/crypto/aead.ts";
import { type PrfHash, type Suite, suites } from "../../dtls/crypto/suites.ts";
import { TlsCipherSuite, type TlsVersion } from "./numbers.ts";

/** RFC 8446 §B.4 */
export interface Suite13 {
  readonly id: number;
  readonly name: string;
  readonly aead: AeadAlgorithm;
  readonly hash: PrfHash;
}

export const suites13: readonly Suite13[] = [
  {
    id: TlsCipherSuite.TLS_AES_128_GCM_SHA256,
    name: "TLS_AES_128_GCM_SHA256",
    aead: aeadAlgorithms.AES_128_GCM,
    hash: "sha256",
  },
  {
    id: TlsCipherSuite.TLS_AES_256_GCM_SHA384,
    name: "TLS_AES_256_GCM_SHA384",
    aead: aeadAlgorithms.AES_256_GCM,
    hash: "sha384",
  },
  {
    id: TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
    name: "TLS_CHACHA20_POLY1305_SHA256",
    aead: aeadAlgorithms.CHACHA20_POLY1305,
    hash: "sha256",
  },
];

/** Spoken, but not offered or chosen unless asked for. */
const further13: readonly Suite13[] = [
  {
    id: TlsCipherSuite.TLS_AES_128_CCM_SHA256,
    name: "TLS_AES_128_CCM_SHA256",
    aead: aeadAlgorithms.AES_128_CCM,
    hash: "sha256",
  },
];

/** Those of RFC 5289, RFC 7905 and RFC 7251 with an ephemeral key of the server: the same as DTLS 1.2 has. */
export const suites12: readonly Suite[] = suites.filter(
  ({ keyExchange }) => keyExchange === "ECDHE_ECDSA" || keyExchange === "ECDHE_RSA",
);

export function suite13(id: number): Suite13 | undefined {
  return [...suites13, ...further13].find((suite) => suite.id === id);
}

export function suite12(id: number): Suite | undefined {
  return suites12.find((suite) => suite.id === id);
}

/** "TLS_AES_128_GCM_SHA256", or the number of a suite that this engine does not speak. */
export function suiteName(id: number): string {
  for (const [name, known] of Object.entries(TlsCipherSuite)) if (known === id) return name;
  return `cipher suite 0x${id.toString(16).padStart(4, "0")}`;
}

/** The versions that an end speaks: those that it was told, or else those that its suites are of. */
export function versionsOf(options: {
  readonly versions?: readonly TlsVersion[];
  readonly cipherSuites?: readonly number[];
}): readonly TlsVersion[] {
  const { versions, cipherSuites } = options;
  if (versions !== undefined) return versions;
  const has13 = cipherSuites?.some((id) => suite13(id) !== undefined) ?? true;
  const has12 = cipherSuites?.some((id) => suite13(id) === undefined) ?? true;
  return [...(has13 ? (["TLS 1.3"] as const) : []), ...(has12 ? (["TLS 1.2"] as const) : [])];
}
