import type { Certificate } from "../x509/certificate.ts";

const MAX_TEXT = 120;

/** A certificate as an error message names it: its subject, or its serial number when the subject is empty. */
export function describe(certificate: Certificate): string {
  const subject = certificate.subject.toString();
  return subject === "" ? `serial number ${shorten(certificate.serialNumber)}` : quote(subject);
}

/** Text that a peer chose: shortened, with control characters escaped, so that it cannot forge a log line. */
export function quote(text: string): string {
  return JSON.stringify(shorten(text));
}

function shorten(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
}
