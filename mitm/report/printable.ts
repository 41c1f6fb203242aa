/** C0 and C1 controls, and what changes the direction of the text around it. */
const unprintable = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]/gu;

/**
 * Text from a target, fit for a line that people read: it must not move the cursor, colour lines, forge new ones or turn
 * the text around it; longer than `limit` characters it is cut.
 */
export function printable(text: string, limit = 2000): string {
  const whole = text.toWellFormed();
  const shown =
    whole.length > limit ? `${whole.slice(0, limit).toWellFormed()}… (${whole.length} characters)` : whole;
  return shown.replace(unprintable, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}

/** "1 case", "12 cases". */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** "12 ms", "3.4 s", "2 min 5 s". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 100_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
