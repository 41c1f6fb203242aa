// C0 and C1 controls, and what changes the direction of the text around it.
const unprintable = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu;

/** Text from a peer, fit for a terminal: it must not move the cursor, colour lines or forge new ones. */
export function printable(text: string): string {
  return text.replace(unprintable, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A payload for people: its text, or its size and start where it is not text. */
export function printablePayload(payload: Uint8Array): string {
  const text = payloadText(payload);
  if (text !== undefined) return printable(text);
  return `${payload.length} bytes ${Buffer.from(payload.subarray(0, 32)).toString("hex")}${payload.length > 32 ? "…" : ""}`;
}

/** A payload for programs: `payload` where it is UTF-8, `payloadBase64` where it is not. */
export function payloadFields(payload: Uint8Array): { payload: string } | { payloadBase64: string } {
  const text = payloadText(payload);
  return text === undefined ? { payloadBase64: Buffer.from(payload).toString("base64") } : { payload: text };
}

function payloadText(payload: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
  } catch {
    return undefined;
  }
}
