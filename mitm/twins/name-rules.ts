import { Extension, type GeneralName, parseCertificate } from "../../pki/index.ts";
import { NameConstraintState } from "../../pki/path/name-constraints.ts";
import { WorkBudget } from "../../pki/path/work.ts";
import { readKnownExtensions } from "../../pki/x509/extensions.ts";
import { readNames, type TwinCertificate } from "./certificate-reader.ts";
import type { Holds } from "./server-names.ts";
import { isSame, type TwinPath } from "./twin-path.ts";

/** RFC 5280 §6.1.3 (b), (c) and §6.1.4 (g): whether each name of the path is one that the CAs above it may name. */
export function areNamesPermitted(path: TwinPath, holds: Holds): boolean {
  if (!holds("name-constraints-ignored")) return true;
  // Without constraints there is nothing to read, and what a lenient twin took may not be readable otherwise.
  if (!path.some(({ extensions }) => extensions.has(Extension.nameConstraints))) return true;
  if (!holds("wildcard-escapes-exclusion")) return areNamesPermittedLiterally(path);
  const state = new NameConstraintState(new WorkBudget());
  try {
    for (const [above, certificate] of path.toReversed().entries()) {
      const parsed = parseCertificate(certificate.der);
      const isLeaf = above === path.length - 1;
      if (above > 0 && (isLeaf || !isSame(certificate.subject, certificate.issuer))) state.check(parsed);
      state.add(parsed);
    }
    return true;
  } catch {
    return false;
  }
}

/** As a checker does it that compares a wildcard letter by letter: "*.example" is not "host.example". */
function areNamesPermittedLiterally([leaf, ...issuers]: TwinPath): boolean {
  const names = dnsNamesOf(leaf);
  return issuers.every(({ extensions }) => {
    const extension = extensions.get(Extension.nameConstraints);
    if (extension === undefined) return true;
    const { nameConstraints } = readKnownExtensions([{ oid: Extension.nameConstraints, ...extension }]);
    const basesOf = (subtrees: readonly GeneralName[] = []) =>
      subtrees.flatMap((one) => (one.type === "dNSName" ? [one.value.toLowerCase()] : []));
    const isWithin = (name: string, base: string) => name === base || name.endsWith(`.${base}`);
    const permitted = basesOf(nameConstraints?.permittedSubtrees);
    const excluded = basesOf(nameConstraints?.excludedSubtrees);
    return names.every(
      (name) =>
        !excluded.some((base) => isWithin(name, base)) &&
        (permitted.length === 0 || permitted.some((base) => isWithin(name, base))),
    );
  });
}

function dnsNamesOf({ extensions }: TwinCertificate): string[] {
  const extension = extensions.get(Extension.subjectAltName);
  const names = extension === undefined ? [] : readNames(extension.value);
  return names.flatMap(({ kind, text }) => (kind === "dNSName" ? [text.toLowerCase()] : []));
}
