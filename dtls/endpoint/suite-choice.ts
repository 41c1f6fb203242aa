import type { KeyExchange, Suite } from "../crypto/suites.ts";
import { suiteByName, suites } from "../crypto/suites.ts";
import type { Credential } from "../signer.ts";
import { invalid } from "./option-checks.ts";

/**
 * The suites of an endpoint, best first: those that were named, or all, as far as this side has what they take.
 *
 * Without names, suites with pre-shared keys come first where there are such keys: many clients offer suites with
 * certificates even when they have nothing but a key, so the first common one would not work.
 */
export function chooseSuites(
  ciphers: string | readonly string[] | undefined,
  usable: ReadonlySet<KeyExchange>,
): readonly Suite[] {
  const fitting = (suite: Suite) => usable.has(suite.keyExchange);
  if (ciphers === undefined) {
    const all = suites.filter(fitting);
    const psk = all.filter(({ keyExchange }) => keyExchange === "ECDHE_PSK" || keyExchange === "PSK");
    return [...psk, ...all.filter((suite) => !psk.includes(suite))];
  }
  const names = typeof ciphers === "string" ? ciphers.split(":") : ciphers;
  if (!Array.isArray(names))
    throw invalid("ciphers must be a list of names, or names with colons between them");
  const chosen = names.map((name) => {
    const suite = suiteByName(name);
    if (suite !== undefined) return suite;
    throw invalid(
      `ciphers: "${name}" is not the name of a suite; there are ${suites.map((s) => s.name).join(", ")}`,
    );
  });
  const left = chosen.filter(fitting);
  if (left.length > 0) return left;
  throw invalid(
    `none of ciphers (${names.join(", ")}) can be used with the credentials and keys that are given; those allow ${[...usable].join(", ")}`,
  );
}

/** The key exchanges that certificates of these keys can be shown in; of unknown ones, both. */
export function certificateKeyExchanges(
  credentials: readonly Credential[] | undefined,
): readonly KeyExchange[] {
  if (credentials === undefined) return ["ECDHE_ECDSA", "ECDHE_RSA"];
  // RFC 8422 §5.10: Ed25519 is used in the suites named after ECDSA.
  const kinds = credentials.map(({ signer }) =>
    signer.publicKey.asymmetricKeyType === "rsa" ? "ECDHE_RSA" : "ECDHE_ECDSA",
  );
  return [...new Set(kinds)];
}
