import { AttributeType, Extension } from "../../pki/index.ts";
import { readAttribute, readNames, readTwinCertificate, type TwinCertificate } from "./certificate-reader.ts";

/** Who a peer is, as its certificate says. */
export interface TwinIdentity {
  readonly kind: "device" | "operator";
  readonly id: string;
}

type Lacks = (weakness: string) => boolean;

/** Weaknesses of a reader that gets to see names which a strict parser refuses. */
export const namesThatNoParserReads = [
  "identity-cut-at-nul",
  "identity-trimmed",
  "identity-normalised",
] as const;

/**
 * The identity in a certificate: its one subjectAltName, a URI of the one form that the profile has, byte by byte. A weak
 * twin reads it as carelessly as its weakness says. Undefined: it names nobody.
 */
export function readTwinIdentity(
  der: Uint8Array,
  trustDomain: string,
  lacks: Lacks,
): TwinIdentity | undefined {
  const certificate = readTwinCertificate(der);
  const [commonName] = readAttribute(certificate.subject, AttributeType.CN);
  if (lacks("identity-from-common-name") && commonName !== undefined) {
    return { kind: "device", id: commonName };
  }
  const names = namesOf(certificate);
  const name = lacks("identity-ambiguous") ? names.at(-1) : names[0];
  if (name === undefined || (names.length > 1 && !lacks("identity-ambiguous"))) return undefined;
  if (name.kind === "dNSName" && lacks("identity-from-any-name-type"))
    return { kind: "device", id: name.text };
  if (name.kind !== "uniformResourceIdentifier") return undefined;
  return readUri(carelessly(name.text, lacks), trustDomain, lacks);
}

const form =
  /^spiffe:\/\/(?<domain>[a-z0-9._-]+)\/(?<kind>device|operator)\/(?<id>[A-Za-z0-9][A-Za-z0-9._-]{0,63})$/;

function readUri(uri: string, trustDomain: string, lacks: Lacks): TwinIdentity | undefined {
  const { domain, kind, id } = form.exec(uri)?.groups ?? {};
  if (id === undefined) return undefined;
  if (domain !== trustDomain && !lacks("foreign-trust-domain")) return undefined;
  return { kind: kind === "operator" && !lacks("identity-kind-ignored") ? "operator" : "device", id };
}

/** What stands in the certificate, or what a careless reader makes of it. */
function carelessly(text: string, lacks: Lacks): string {
  if (lacks("identity-cut-at-nul")) return text.replace(/\0.*$/s, "");
  if (lacks("identity-trimmed")) return text.trim();
  if (lacks("identity-case-folded")) return text.toLowerCase();
  if (lacks("identity-suffix-ignored")) return text.replace(/[?#].*$/s, "");
  if (lacks("identity-decoded")) return decodeURIComponent(text);
  if (lacks("identity-path-resolved")) return text.replace(/\/[^/]+\/\.\.\//, "/");
  if (lacks("identity-normalised")) return Buffer.from(text, "latin1").toString("utf8").normalize("NFKC");
  return text;
}

function namesOf({ extensions }: TwinCertificate) {
  const extension = extensions.get(Extension.subjectAltName);
  return extension === undefined ? [] : readNames(extension.value);
}
