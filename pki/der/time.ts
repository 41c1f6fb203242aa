import { PkiError } from "../errors.ts";
import { Tag } from "./tag.ts";

/** RFC 5280 §4.1.2.5: the value for "no well-defined expiration date". */
export const NO_EXPIRY = new Date(Date.UTC(9999, 11, 31, 23, 59, 59));

/** RFC 5280 §4.1.2.5: UTCTime through the year 2049, GeneralizedTime from 2050 on. */
export function timeTag(date: Date): typeof Tag.UTC_TIME | typeof Tag.GENERALIZED_TIME {
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050 ? Tag.UTC_TIME : Tag.GENERALIZED_TIME;
}

/** `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`; milliseconds are cut off (RFC 5280 §4.1.2.5.2: no fractional seconds). */
export function encodeTime(date: Date, tag: number): Uint8Array {
  const year = date.getUTCFullYear();
  if (!(year >= 1950 && year <= 9999)) throw new RangeError("a certificate time must lie in 1950 to 9999");
  const out = new Uint8Array(tag === Tag.UTC_TIME ? 13 : 15);
  let at = 0;
  const two = (value: number): void => {
    out[at++] = 0x30 + Math.floor(value / 10);
    out[at++] = 0x30 + (value % 10);
  };
  if (tag !== Tag.UTC_TIME) two(Math.floor(year / 100));
  two(year % 100);
  two(date.getUTCMonth() + 1);
  two(date.getUTCDate());
  two(date.getUTCHours());
  two(date.getUTCMinutes());
  two(date.getUTCSeconds());
  out[at] = 0x5a;
  return out;
}

/** RFC 5280 §4.1.2.5: Zulu, with seconds, without fractions; a day that the calendar has. */
export function decodeTime(content: Uint8Array, tag: number): Date {
  const digits = tag === Tag.UTC_TIME ? 12 : 14;
  if (content.length !== digits + 1 || content[digits] !== 0x5a) {
    throw new PkiError("PKI_DER_VALUE", "a time must be written to the second and end in Z");
  }
  const pair = (at: number): number => {
    const tens = (content[at] ?? 0) - 0x30;
    const ones = (content[at + 1] ?? 0) - 0x30;
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9) {
      throw new PkiError("PKI_DER_VALUE", "a time holds something else than digits");
    }
    return tens * 10 + ones;
  };
  let at = 0;
  let year: number;
  if (tag === Tag.UTC_TIME) {
    const short = pair(0);
    year = short < 50 ? 2000 + short : 1900 + short;
    at = 2;
  } else {
    year = pair(0) * 100 + pair(2);
    at = 4;
    // RFC 5280 §4.1.2.5: dates through 2049 MUST be UTCTime.
    if (year < 2050) throw new PkiError("PKI_DER_VALUE", "a time before 2050 must be a UTCTime");
  }
  const month = pair(at);
  const day = pair(at + 2);
  const hour = pair(at + 4);
  const minute = pair(at + 6);
  const second = pair(at + 8);
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const real =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!real) throw new PkiError("PKI_DER_VALUE", "a time that no calendar or clock shows");
  return date;
}
