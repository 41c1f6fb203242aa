import { PkiError } from "./errors.ts";

export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
}

const MAX_TEXT = 128 * 1024 * 1024;
const BLOCK = /-----BEGIN ([A-Z0-9][A-Z0-9 ]*)-----([^-]*)-----END ([A-Z0-9][A-Z0-9 ]*)-----/g;

/**
 * The blocks of a PEM text (RFC 7468), in order; those of `label` alone when one is named. Text between blocks
 * is skipped. Throws PKI_PEM_MALFORMED when there is no such block or one is damaged.
 */
export function decodePem(text: string, label?: string): PemBlock[] {
  if (text.length > MAX_TEXT) throw new PkiError("PKI_PEM_MALFORMED", "the text is too long to be PEM");
  const blocks: PemBlock[] = [];
  let begins = 0;
  for (let at = text.indexOf(BEGIN); at >= 0; at = text.indexOf(BEGIN, at + BEGIN.length)) begins++;
  let matched = 0;
  for (const [, begin = "", body = "", end = ""] of text.matchAll(BLOCK)) {
    matched++;
    if (begin !== end) throw new PkiError("PKI_PEM_MALFORMED", `BEGIN ${begin} is closed by END ${end}`);
    if (label === undefined || begin === label) blocks.push({ label: begin, der: decodeBase64(body, begin) });
  }
  if (matched !== begins) throw new PkiError("PKI_PEM_MALFORMED", "a PEM block is cut off or damaged");
  if (blocks.length === 0) throw new PkiError("PKI_PEM_MALFORMED", `no ${label ?? "PEM"} block in the text`);
  return blocks;
}

/** One PEM block, with 64 characters a line and a final newline (RFC 7468 §2). */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.length).toString("base64");
  return `-----BEGIN ${label}-----\n${base64.replace(/.{1,64}/g, "$&\n")}-----END ${label}-----\n`;
}

const BEGIN = "-----BEGIN ";

/** Buffer skips what is no base64, so what it read is held against the text. */
function decodeBase64(body: string, label: string): Uint8Array {
  const compact = body.replace(/[ \t\r\n]+/g, "");
  const der = Buffer.from(compact, "base64");
  if (der.length === 0 || der.toString("base64") !== compact) {
    throw new PkiError("PKI_PEM_MALFORMED", `${label}: not base64`);
  }
  return new Uint8Array(der);
}
