import type { Transport } from "../attack.ts";

/** What the twins of a pair lack. */
export interface PairRules {
  /** As the self-test names it. */
  readonly tolerates: ReadonlySet<string>;
  /** The same in the words of the engines and of the certificate check: some weaknesses are of several parts. */
  readonly engine: ReadonlySet<string>;
}

/** Weaknesses that are made of several checks: to lack one of them alone would not be enough. */
const parts: Readonly<Record<string, readonly string[]>> = {
  // Each of these binds the whole handshake, so that all have to be missing.
  "transcript-not-verified": [
    "finished-not-verified",
    "certificate-verify-not-verified",
    "extended-master-secret-not-required",
  ],
  "fleet-member-taken-for-gateway": ["ignores-server-name", "purpose-not-checked", "purpose-not-required"],
};

export function pairRules(tolerates: ReadonlySet<string>): PairRules {
  return { tolerates, engine: new Set([...tolerates].flatMap((name) => [name, ...(parts[name] ?? [])])) };
}

/**
 * Weaknesses that TLS 1.3 does not let show: it puts the type of a record under the tag, reads no application data in clear
 * before Finished, and binds its keys to the whole handshake.
 */
const onlyInTls12 = [
  "record-mac-not-verified",
  "application-data-before-finished",
  "transcript-not-verified",
] as const;

/** What the twins offer each other: by default all they can. */
export function weakNegotiation({ tolerates }: PairRules, transport: Transport) {
  if (transport === "tls") {
    return onlyInTls12.some((name) => tolerates.has(name)) ? ({ versions: ["TLS 1.2"] } as const) : {};
  }
  // RFC 7627: with it the keys are of this handshake alone, so that a changed one would show without Finished, too.
  return tolerates.has("transcript-not-verified") ? ({ extendedMasterSecret: false } as const) : {};
}
