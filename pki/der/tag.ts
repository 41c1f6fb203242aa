/** X.690 §8.1.2: identifier octets, with the constructed bit where DER sets it. */
export const Tag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OBJECT_IDENTIFIER: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13,
  TELETEX_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  UNIVERSAL_STRING: 0x1c,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** `[n]` over a primitive value (IMPLICIT on a primitive type). */
export const contextPrimitive = (n: number): number => 0x80 | n;
/** `[n]` over a constructed value (EXPLICIT, or IMPLICIT on a SEQUENCE or SET). */
export const contextConstructed = (n: number): number => 0xa0 | n;
