import { Alert } from "../wire/alert.ts";
import { decode, encode } from "../wire/presentation.ts";
import { AlertDescription, AlertLevel } from "../wire/registry.ts";

/** Undefined: not an alert (RFC 5246 §7.2: two bytes, no more than one alert in a record here). */
export function readAlert(content: Uint8Array): Alert | undefined {
  return content.length === 2 ? decode("Alert", Alert, content) : undefined;
}

export function writeAlert(level: number, description: number): Uint8Array {
  return encode(Alert, { level, description });
}

/** RFC 5246 §7.2.2: by its level. An unknown level is taken for the worse one. */
export function isFatal({ level }: Alert): boolean {
  return level !== AlertLevel.warning;
}

/** The number of an alert that DtlsError names. */
export function alertCode(name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const codes: Readonly<Record<string, number>> = AlertDescription;
  return codes[name];
}
