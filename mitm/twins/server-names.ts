import { isIP } from "node:net";
import { AttributeType, Extension } from "../../pki/index.ts";
import { ipAddressOctets } from "../../pki/x509/ip-address.ts";
import { readAttribute, readNames, type TwinCertificate, type TwinName } from "./certificate-reader.ts";

/** Whether a check is made, by the name of the weakness that its absence is. */
export type Holds = (weakness: string) => boolean;

/** RFC 9525 §6: whether the certificate is for a server of this name, less what is not checked. */
export function isForServer(certificate: TwinCertificate, serverName: string, holds: Holds): boolean {
  const extension = certificate.extensions.get(Extension.subjectAltName);
  const names = extension === undefined ? [] : readNames(extension.value);
  const wanted = serverName.toLowerCase();
  if (names.some((name) => matches(name, wanted, holds))) return true;
  return (
    !holds("common-name-accepted") &&
    readAttribute(certificate.subject, AttributeType.CN).some((name) => name.toLowerCase() === wanted)
  );
}

function matches({ kind, text }: TwinName, wanted: string, holds: Holds): boolean {
  if (kind === "iPAddress") {
    const octets = isIP(wanted) === 0 ? undefined : ipAddressOctets(wanted);
    return octets !== undefined && Buffer.from(octets).toString("latin1") === text;
  }
  if (kind === "dNSName") return isIP(wanted) === 0 && matchesDns(text.toLowerCase(), wanted, holds);
  // The host of a URI or of a mail address.
  return !holds("name-type-ignored") && text.replace(/^\w+:\/\/|^[^@]*@/, "").replace(/\/.*/, "") === wanted;
}

function matchesDns(presented: string, wanted: string, holds: Holds): boolean {
  const [untilNul = ""] = presented.split("\0");
  const name = holds("nul-truncates-name") ? presented : untilNul;
  if (name === wanted) return true;
  if (!holds("name-matched-in-part") && name.includes(wanted)) return true;
  if (!holds("bare-wildcard-accepted") && name === "*") return true;
  if (!name.includes("*")) return false;
  if (name.startsWith("*.")) {
    const suffix = name.slice(1);
    if (!suffix.slice(1).includes(".") || !wanted.endsWith(suffix)) return false;
    const covered = wanted.slice(0, -suffix.length);
    return covered !== "" && (!covered.includes(".") || !holds("deep-wildcard-accepted"));
  }
  if (holds("partial-wildcard-accepted")) return false;
  const [before = "", after = ""] = name.split("*");
  const covered = wanted.slice(before.length, wanted.length - after.length);
  return wanted.startsWith(before) && wanted.endsWith(after) && !covered.includes(".");
}
