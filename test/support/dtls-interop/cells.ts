import { type Suite, type SuiteName, suites } from "../../../dtls/crypto/suites.ts";
import { reasonAgainst } from "./impossible.ts";
import { type OurRole, type PeerName, peerNames } from "./names.ts";
import type { CredentialName } from "./peer.ts";

/** A row of the table: what the two sides show each other, and the suite. */
export interface Row {
  readonly credential: CredentialName;
  readonly suite: Suite;
}

/** One test: it runs when nothing stands in `cannot`, and must fail where something does. */
export interface Cell extends Row {
  readonly peer: PeerName;
  readonly role: OurRole;
  /** Why this cannot be. */
  readonly cannot: string | undefined;
}

/** Every suite with the credential it is made for, and then the other kinds of certificate in one suite each. */
export const rows: readonly Row[] = [
  ...suites.map((suite) => ({ credential: usual(suite), suite })),
  { credential: "Ed25519", suite: named("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256") },
  { credential: "P-384", suite: named("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384") },
  { credential: "raw public key", suite: named("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256") },
  { credential: "raw public key", suite: named("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8") },
];

export const cells: readonly Cell[] = peerNames.flatMap((peer) =>
  (["server", "client"] as const).flatMap((role) =>
    rows.map((row) => ({
      peer,
      role,
      ...row,
      cannot: reasonAgainst(peer, role, row.credential, row.suite.name),
    })),
  ),
);

/** Whole cells of a peer are named so in titles: whoever reads a failed one knows what to run. */
export function titleOf({ peer, role, credential, suite, cannot }: Cell): string {
  const sides = role === "server" ? `${peer} client, our server` : `our client, ${peer} server`;
  const end = cannot === undefined ? "" : `: cannot be, ${cannot}`;
  return `${sides}, ${credential}, ${suite.name}${end}`;
}

function usual({ keyExchange }: Suite): CredentialName {
  if (keyExchange === "ECDHE_RSA") return "RSA";
  return keyExchange === "ECDHE_ECDSA" ? "P-256" : "PSK";
}

function named(name: SuiteName): Suite {
  const found = suites.find((suite) => suite.name === name);
  if (found === undefined) throw new Error(`our stack has no suite ${name}`);
  return found;
}
