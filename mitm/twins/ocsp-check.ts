import { hash } from "node:crypto";
import { first, inside, type TwinCertificate } from "./certificate-reader.ts";
import type { Holds } from "./server-names.ts";
import { isSame, isSignatureOver } from "./twin-path.ts";

/**
 * RFC 6066 §8: "Clients requesting an OCSP response and receiving an OCSP response [...] MUST check the OCSP response and
 * abort the handshake if the response is not satisfactory". RFC 6960 §3.2: whether it is.
 */
export function isSatisfactory(
  response: Uint8Array,
  leaf: TwinCertificate,
  issuer: TwinCertificate,
  now: Date,
  holds: Holds,
): boolean {
  const [status, bytes] = inside(first(response));
  if (status?.content[0] !== 0) return false;
  const [tbs, algorithm, signature] = inside(first(inside(inside(bytes)[0])[1]?.content ?? response));
  if (tbs === undefined || signature === undefined) return false;
  const isSigned = isSignatureOver(
    tbs.whole,
    inside(algorithm)[0]?.content,
    signature.content.subarray(1),
    issuer,
  );
  if (!isSigned && holds("staple-not-verified")) return false;
  // responderID and producedAt stand before the responses, and say nothing that is needed here.
  const responses = inside(tbs).find(({ tag }) => tag === 0x30);
  return inside(responses).some((single) => {
    const [certId, certStatus, thisUpdate, ...rest] = inside(single);
    const [, nameHash, , serialNumber] = inside(certId);
    const isAboutIt =
      isSame(serialNumber?.content ?? tbs.whole, leaf.serialNumber) &&
      isSame(nameHash?.content ?? tbs.whole, hash("sha1", issuer.subject, "buffer"));
    if (!isAboutIt && holds("staple-of-another-certificate")) return false;
    const nextUpdate = rest.find(({ tag }) => tag === 0xa0);
    const from = timeOf(thisUpdate?.content);
    const until = timeOf(nextUpdate === undefined ? undefined : inside(nextUpdate)[0]?.content);
    const isInForce = from <= now.getTime() && now.getTime() <= until;
    if (!isInForce && holds("stale-staple-accepted")) return false;
    return certStatus?.tag === 0x80;
  });
}

/** RFC 6960 §4.2.2.1: a GeneralizedTime, whatever the year; ms since 1970, NaN where there is none. */
function timeOf(content: Uint8Array | undefined): number {
  const text = Buffer.from(content ?? []).toString("latin1");
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
