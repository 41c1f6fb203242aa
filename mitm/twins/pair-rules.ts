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

/** TLS 1.3 and extended_master_secret bind the handshake by themselves: without Finished they would still tell. */
export function weakNegotiation({ tolerates }: PairRules, transport: Transport) {
  if (!tolerates.has("transcript-not-verified")) return {};
  return transport === "tls"
    ? ({ versions: ["TLS 1.2"] } as const)
    : ({ extendedMasterSecret: false } as const);
}
