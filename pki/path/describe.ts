import type { Certificate } from "../x509/certificate.ts";

const MAX_TEXT = 120;

/** A certificate as an error message names it: its subject, or its serial number when the subject is empty. */
export function describe(certificate: Certificate): string {
  const subject = certificate.subject.toString();
  return subject === "" ? `serial number ${shorten(certificate.serialNumber)}` : quote(subject);
}

/** Text that a peer chose: cut, and with what could forge or reorder a log line escaped. */
export function quote(text: string): string {
  return JSON.stringify(shorten(text)).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

function shorten(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
}
